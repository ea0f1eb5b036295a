/** containers-registries.conf(5), version 2: which registries there are, by which names, and where they really are. */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError, errnoCode, RegistryError } from "../base/index.ts";
import { hostEnvironment } from "../config/index.ts";
import { errnoText, type Paths, readIfExists } from "../host/index.ts";
import { DEFAULT_REGISTRY, type FullReference, repository } from "../oci/index.ts";

export type MirrorUse = "all" | "digest-only" | "tag-only";

export interface Mirror {
  readonly location: string;
  readonly insecure: boolean;
  readonly use: MirrorUse;
}

export interface RegistryEntry {
  readonly prefix: string;
  /** What stands in the prefix's place; empty only for a wildcard that rewrites nothing. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly Mirror[];
}

export type ShortNameMode = "enforcing" | "permissive" | "disabled";

export interface RegistriesConf {
  /** Undefined if no file says anything: docker.io then. */
  readonly search: readonly string[] | undefined;
  readonly mode: ShortNameMode;
  readonly entries: readonly RegistryEntry[];
  /** Short name to full name. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Global credential helpers other than the files. */
  readonly files: readonly string[];
}

/** Where an image may be fetched from, the best place first. */
export interface PullPlace {
  readonly reference: FullReference;
  readonly insecure: boolean;
  readonly mirror: boolean;
}

interface Draft {
  search: readonly string[] | undefined;
  mode: ShortNameMode;
  entries: Map<string, RegistryEntry>;
  aliases: Map<string, string>;
  files: string[];
}

/** @throws {ConfigError} `registries-syntax`, `registries-value` naming the file */
export async function loadRegistriesConf(paths: Paths): Promise<RegistriesConf> {
  const draft: Draft = {
    search: undefined,
    mode: "enforcing",
    entries: new Map(),
    aliases: new Map(),
    files: [],
  };
  for (const path of confFiles(paths)) await readFile(path, draft);
  return { ...draft, entries: [...draft.entries.values()] };
}

/** The user's file stands in the administrator's place; drop-ins are added, and the short names a person once chose. */
function confFiles(paths: Paths): string[] {
  const home = join(dirname(paths.config), "containers");
  const named = hostEnvironment().CONTAINERS_REGISTRIES_CONF;
  const user = join(home, "registries.conf");
  const main = named ?? (readText(user) === undefined ? "/etc/containers/registries.conf" : user);
  const remembered = join(dirname(paths.cache), "containers", "short-name-aliases.conf");
  const own = named === undefined ? dropIns(join(home, "registries.conf.d")) : [];
  return [main, ...dropIns("/etc/containers/registries.conf.d"), ...own, remembered];
}

function dropIns(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith(".conf"));
    return names.sort().map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function readText(path: string): string | undefined {
  try {
    return readIfExists(path);
  } catch (error) {
    const code = errnoCode(error);
    throw new ConfigError(
      "registries-unreadable",
      `cannot read ${path}: ${errnoText(code) ?? code ?? error}`,
      { cause: error },
    );
  }
}

async function readFile(path: string, draft: Draft): Promise<void> {
  const text = readText(path);
  if (text === undefined || !/^[ \t]*[^#\s]/m.test(text)) return;
  const document = await parse(path, text);
  draft.files.push(path);
  const search = document["unqualified-search-registries"];
  if (search !== undefined) draft.search = strings(path, "unqualified-search-registries", search);
  const mode = document["short-name-mode"];
  if (mode === "enforcing" || mode === "permissive" || mode === "disabled") draft.mode = mode;
  else if (mode !== undefined && mode !== "")
    throw invalid(path, `short-name-mode ${JSON.stringify(mode)} is not enforcing, permissive or disabled`);
  for (const entry of tables(path, "registry", document.registry)) {
    const read = readEntry(path, entry);
    draft.entries.set(read.prefix, read);
  }
  const aliases = document.aliases;
  if (!isTable(aliases)) return;
  for (const [name, target] of Object.entries(aliases)) {
    if (typeof target !== "string") throw invalid(path, `the alias ${name} is not a name`);
    if (target === "") draft.aliases.delete(name);
    else draft.aliases.set(name, target);
  }
}

async function parse(path: string, text: string): Promise<Record<string, unknown>> {
  const { parse: parseToml } = await import("smol-toml");
  try {
    return parseToml(text);
  } catch (error) {
    const reason = (error as Error).message.split("\n")[0]?.replace(/^Invalid TOML document: /, "");
    throw new ConfigError("registries-syntax", `cannot read ${path}: ${reason}`, { cause: error });
  }
}

function readEntry(path: string, entry: Record<string, unknown>): RegistryEntry {
  const text = (key: string) => optionalText(path, entry, key);
  const location = trimmed(text("location"));
  const prefix = trimmed(text("prefix")) || location;
  if (prefix === "") throw invalid(path, "a [[registry]] has neither prefix nor location");
  if (
    prefix.startsWith("*.") &&
    location === "" &&
    entry.mirror === undefined &&
    entry.blocked !== true &&
    entry.insecure !== true
  )
    throw invalid(path, `the wildcard ${prefix} says nothing`);
  const digestOnly = entry["mirror-by-digest-only"] === true;
  return {
    prefix,
    location: location || (prefix.startsWith("*.") ? "" : prefix),
    insecure: entry.insecure === true,
    blocked: entry.blocked === true,
    mirrors: tables(path, "mirror", entry.mirror).map((mirror) => ({
      location: trimmed(optionalText(path, mirror, "location")),
      insecure: mirror.insecure === true,
      use: mirrorUse(path, optionalText(path, mirror, "pull-from-mirror"), digestOnly),
    })),
  };
}

function mirrorUse(path: string, value: string, digestOnly: boolean): MirrorUse {
  if (digestOnly) return "digest-only";
  if (value === "" || value === "all") return "all";
  if (value === "digest-only" || value === "tag-only") return value;
  throw invalid(path, `pull-from-mirror ${JSON.stringify(value)} is not all, digest-only or tag-only`);
}

function trimmed(text: string): string {
  return text.replace(/\/+$/, "");
}

function optionalText(path: string, table: Record<string, unknown>, key: string): string {
  const value = table[key] ?? "";
  if (typeof value === "string") return value;
  throw invalid(path, `${key} is not a string`);
}

function strings(path: string, key: string, value: unknown): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw invalid(path, `${key} is not a list of names`);
}

function tables(path: string, key: string, value: unknown): Record<string, unknown>[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every(isTable)) return value;
  throw invalid(path, `${key} is not written as [[${key}]] (the format of version 1 is not supported)`);
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(path: string, reason: string): ConfigError {
  return new ConfigError("registries-value", `cannot read ${path}: ${reason}`);
}

/** The entry for a name: of the longest prefix that ends at a boundary, exact ones before wildcards. */
export function findEntry(conf: RegistriesConf, reference: FullReference): RegistryEntry | undefined {
  const name = `${repository(reference)}${reference.digest === undefined ? `:${reference.tag ?? ""}` : `@${reference.digest}`}`;
  let best: RegistryEntry | undefined;
  for (const entry of conf.entries) {
    if (matchedLength(entry.prefix, name) > (best === undefined ? 0 : matchedLength(best.prefix, name)))
      best = entry;
  }
  return best;
}

/** How many characters of `name` the prefix covers; 0: it does not. */
function matchedLength(prefix: string, name: string): number {
  if (prefix.startsWith("*.")) {
    const host = name.split("/")[0]?.split(":")[0] ?? "";
    return host.endsWith(prefix.slice(1)) ? prefix.length - 1 : 0;
  }
  const next = name[prefix.length];
  return name.startsWith(prefix) && (next === undefined || "/:@".includes(next)) ? prefix.length : 0;
}

/**
 * The places an image can come from: mirrors that may serve it, then its registry.
 *
 * @throws {RegistryError} `registry-blocked`
 */
export function pullPlaces(conf: RegistriesConf, reference: FullReference): PullPlace[] {
  const entry = findEntry(conf, reference);
  if (entry === undefined) return [{ reference, insecure: false, mirror: false }];
  if (entry.blocked) {
    const file = conf.files[0] ?? "registries.conf";
    throw new RegistryError(
      "registry-blocked",
      `registry ${entry.prefix} is blocked in ${file} or its drop-ins`,
    );
  }
  const wanted: MirrorUse = reference.digest === undefined ? "tag-only" : "digest-only";
  const mirrors = entry.mirrors.filter(({ use }) => use === "all" || use === wanted);
  const places = mirrors.map(({ location, insecure }) => ({
    reference: rewrite(reference, entry.prefix, location),
    insecure,
    mirror: true,
  }));
  const own = {
    reference: rewrite(reference, entry.prefix, entry.location),
    insecure: entry.insecure,
    mirror: false,
  };
  return [...places, own];
}

/** `prefix` at the front of the name becomes `location`; a wildcard stands for the whole host name. */
function rewrite(reference: FullReference, prefix: string, location: string): FullReference {
  if (location === "") return reference;
  const name = repository(reference);
  const matched = prefix.startsWith("*.") ? reference.domain.length : prefix.length;
  const full = `${location}${name.slice(matched)}`;
  const slash = full.indexOf("/");
  if (slash < 0)
    throw new ConfigError(
      "registries-value",
      `cannot use ${name}: rewritten to ${location} it names no repository`,
    );
  return { ...reference, domain: full.slice(0, slash), path: full.slice(slash + 1) };
}

/** The registries tried for a short name; and whether that is only our default. */
export function searchRegistries(conf: RegistriesConf): {
  registries: readonly string[];
  isDefault: boolean;
} {
  if (conf.search !== undefined && conf.search.length > 0)
    return { registries: conf.search, isDefault: false };
  return { registries: [DEFAULT_REGISTRY], isDefault: true };
}
