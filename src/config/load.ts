/** Puts the settings together: built-in values, then files, then the environment, then the command line. */
import { resolve } from "node:path";
import { ConfigError } from "../base/index.ts";
import type { Environment, Paths } from "../host/index.ts";
import { checkSettings } from "./check.ts";
import { findConfigFiles } from "./files.ts";
import { CONFIG_VARIABLE, OUTER, type OuterName, type OuterSetting } from "./outer.ts";
import { DEFAULTS, type SettingName, type Settings } from "./settings.ts";
import { type ConfigFile, readConfigFile } from "./toml.ts";

/** What the command line's global options set. */
export type SettingsOverrides = {
  /** A configuration file instead of the user's own. */
  readonly config?: string | undefined;
  /** Files to be read after containers.conf. */
  readonly modules?: readonly string[] | undefined;
} & { readonly [N in OuterName]?: Settings[N] | undefined };

/**
 * Reads the files that exist; costs a few failed `open`s where none does.
 *
 * @throws {ConfigError} for a file that cannot be read or says something impossible
 */
export async function loadSettings(
  paths: Pick<Paths, "config">,
  overrides: SettingsOverrides = {},
  env: Environment = process.env,
): Promise<Settings> {
  const values: Record<string, unknown> = { ...DEFAULTS };
  const origins: Partial<Record<SettingName, string>> = {};
  const set = (name: SettingName, value: unknown, origin: string) => {
    values[name] = value;
    origins[name] = origin;
  };
  const named = { own: overrides.config || env[CONFIG_VARIABLE], modules: overrides.modules };
  await readFiles(findConfigFiles(paths, named, env), values, set);
  for (const name in OUTER) {
    const outer: OuterSetting = OUTER[name as OuterName];
    const variable = outer.env.find((key) => env[key]);
    if (variable !== undefined)
      set(name as OuterName, readVariable(variable, env[variable] as string, outer), variable);
    const given = overrides[name as OuterName];
    if (isGiven(given)) set(name as OuterName, placed(outer, given), outer.flag);
  }
  const settings = { ...(values as unknown as Settings), origins };
  checkSettings(settings);
  return settings;
}

/** A list that says `append` grows from there on, until a later file's says that it does not. */
async function readFiles(
  files: readonly ConfigFile[],
  values: Readonly<Record<string, unknown>>,
  set: (name: SettingName, value: unknown, origin: string) => void,
): Promise<void> {
  const growing = new Set<SettingName>();
  for (const file of files) {
    for (const [name, { value, append }] of await readConfigFile(file)) {
      if (append === true) growing.add(name);
      if (append === false) growing.delete(name);
      const before = growing.has(name) ? (values[name] as readonly string[] | undefined) : undefined;
      set(name, before === undefined ? value : [...before, ...(value as string[])], file.path);
    }
  }
}

/** Options that were not typed arrive as undefined or as an empty list. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0);
}

/** A relative path is meant from where the user stands. */
function placed({ kind }: OuterSetting, value: unknown): unknown {
  return kind === "path" ? resolve(value as string) : value;
}

function readVariable(variable: string, text: string, outer: OuterSetting): unknown {
  if (outer.kind === "list") return text.split(",");
  if (outer.kind !== "boolean") return placed(outer, text);
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  throw new ConfigError("config-value", `cannot use ${variable}=${text}: it must be true or false`);
}
