/** One configuration file: read, parsed, and its values checked against the table of keys. */
import { isAbsolute } from "node:path";
import { ConfigError, parseSize } from "../base/index.ts";
import { KEYS, type KeyDef, type KeyKind } from "./keys.ts";
import type { SettingName } from "./settings.ts";

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  /** kelp's own file: unknown keys are mistakes there. In containers.conf they are podman's affair. */
  readonly own: boolean;
}

/** A value, and for a list that says so whether it and those of later files are added to what is there. */
export interface FileValue {
  readonly value: unknown;
  readonly append?: boolean | undefined;
}

/**
 * What a file sets.
 *
 * @throws {ConfigError} `config-syntax`, `config-value` or `config-key`, naming file and line or key
 */
export async function readConfigFile(file: ConfigFile): Promise<Map<SettingName, FileValue>> {
  const values = new Map<SettingName, FileValue>();
  const sections = saysAnything(file.text) ? await parse(file) : {};
  for (const [section, keys] of Object.entries(sections)) {
    if (KEYS[section] === undefined) refuseUnknown(file, `[${section}]`);
    else if (isTable(keys)) readSection(file, section, keys, values);
    else throw valueError(file, section, "must be a table");
  }
  return values;
}

function readSection(
  file: ConfigFile,
  section: string,
  keys: Record<string, unknown>,
  values: Map<SettingName, FileValue>,
): void {
  const known = new Map(Object.entries(KEYS[section] ?? {}));
  for (const [name, value] of Object.entries(keys)) {
    const def = known.get(name);
    if (def === undefined) refuseUnknown(file, `${section}.${name}`);
    else if (file.own || !def.ownOnly)
      values.set(def.setting, readValue(file, `${section}.${name}`, def, value));
  }
}

/** Distributions ship a containers.conf of comments and empty tables only; the parser is not loaded for it. */
function saysAnything(text: string): boolean {
  return /^[ \t]*[^#\s[]/m.test(text);
}

/**
 * The same lines with those that are comments emptied: distributions' files are 30 KiB of them, on which
 * the parser spends 5 ms of every start. Not where a string could span lines and look like one.
 */
function withoutComments(text: string): string {
  return /"""|'''/.test(text) ? text : text.replace(/^[ \t]*#.*$/gm, "");
}

async function parse(file: ConfigFile): Promise<Record<string, unknown>> {
  const { parse: parseToml } = await import("smol-toml");
  try {
    return parseToml(withoutComments(file.text));
  } catch (error) {
    const line = error instanceof Error && "line" in error ? `, line ${error.line}` : "";
    const reason =
      error instanceof Error ? error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "") : error;
    throw new ConfigError("config-syntax", `cannot read ${file.path}${line}: ${reason}`, { cause: error });
  }
}

function refuseUnknown(file: ConfigFile, what: string): void {
  if (!file.own) return;
  throw new ConfigError("config-key", `cannot read ${file.path}: unknown key ${what}`, {
    hint: "its keys are those of containers.conf(5)",
  });
}

function readValue(file: ConfigFile, name: string, def: KeyDef, value: unknown): FileValue {
  if (def.kind === "strings" && Array.isArray(value)) {
    const attributes = value.filter((item) => isTable(item) && typeof item.append === "boolean");
    const items = value.filter((item) => !attributes.includes(item));
    return { value: convert(file, name, "strings", items), append: attributes.at(-1)?.append };
  }
  return { value: convert(file, name, def.kind, value) };
}

const EXPECTED: Readonly<Record<KeyKind, string>> = {
  string: "a string",
  path: "an absolute path",
  boolean: "true or false",
  integer: "a whole number",
  bytes: "a size such as 64m",
  strings: "a list of strings",
  lists: "a table of lists of strings",
};

function convert(file: ConfigFile, name: string, kind: KeyKind, value: unknown): unknown {
  const converted = CONVERTERS[kind](value);
  if (converted === undefined) throw valueError(file, name, `must be ${EXPECTED[kind]}`);
  return converted;
}

const CONVERTERS: Readonly<Record<KeyKind, (value: unknown) => unknown>> = {
  string: (value) => (typeof value === "string" ? value : undefined),
  path: (value) => (typeof value === "string" && (value === "" || isAbsolute(value)) ? value : undefined),
  boolean: (value) => (typeof value === "boolean" ? value : undefined),
  integer: (value) => (typeof value === "number" && Number.isSafeInteger(value) ? value : undefined),
  bytes: (value) => (typeof value === "string" ? sizeOrUndefined(value) : CONVERTERS.integer(value)),
  strings: (value) => (isStrings(value) ? value : undefined),
  lists: (value) => (isTable(value) && Object.values(value).every(isStrings) ? value : undefined),
};

function sizeOrUndefined(text: string): number | undefined {
  try {
    return parseSize(text);
  } catch {
    return undefined;
  }
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueError(file: ConfigFile, name: string, problem: string): ConfigError {
  return new ConfigError("config-value", `cannot read ${file.path}: ${name} ${problem}`);
}
