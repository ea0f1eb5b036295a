/**
 * The environment of a container's process, from the image, the settings and the flags.
 *
 * Only `--env NAME`, `--env 'NAME*'`, the same in an --env-file, --env-host and --http-proxy ever look at the
 * caller's environment. An image's `Env` never does: an entry without `=` there has no meaning and is dropped,
 * or an image could ask for the caller's secrets by name.
 */
import { readFileSync } from "node:fs";
import { errnoCode, UsageError } from "../base/index.ts";

export type Environment = ReadonlyMap<string, string>;
type HostEnvironment = Readonly<Record<string, string | undefined>>;

const PROXY_NAMES = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"];
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface EnvInput {
  readonly imageEnv: readonly string[];
  /** `NAME=value` of the settings. */
  readonly defaults: readonly string[];
  readonly flags: readonly string[];
  readonly files: readonly string[];
  readonly merge: readonly string[];
  readonly unset: readonly string[];
  readonly unsetAll: boolean;
  readonly host: boolean;
  readonly httpProxy: boolean;
  readonly tty: boolean;
  /** The caller's own environment. */
  readonly caller: HostEnvironment;
}

/** The final `NAME=value` list; HOME and HOSTNAME are the runtime's, who knows the user and the host name. */
export function resolveEnv(input: EnvInput): string[] {
  const base = new Map<string, string>([["PATH", DEFAULT_PATH]]);
  if (input.tty) base.set("TERM", "xterm");
  base.set("container", "podman");
  addLiterals(base, input.defaults);
  if (input.httpProxy) addProxies(base, input.caller);
  addLiterals(base, input.imageEnv);
  for (const word of input.merge) mergeOne(base, word);
  for (const name of input.unset) base.delete(name);
  if (input.unsetAll) base.clear();
  if (input.host) addHost(base, input.caller);
  for (const [name, value] of userEnv(input.flags, input.files, input.caller)) base.set(name, value);
  return [...base].map(([name, value]) => `${name}=${value}`);
}

/** What --env-file and --env say, files first; used by exec too. */
export function userEnv(
  flags: readonly string[],
  files: readonly string[],
  caller: HostEnvironment,
): Map<string, string> {
  const env = new Map<string, string>();
  for (const file of files) addEnvFile(env, file, caller);
  for (const flag of flags) addWord(env, flag, caller);
  return env;
}

function addLiterals(env: Map<string, string>, words: readonly string[]): void {
  for (const word of words) {
    const equals = word.indexOf("=");
    if (equals > 0) env.set(word.slice(0, equals), word.slice(equals + 1));
  }
}

function addHost(env: Map<string, string>, caller: HostEnvironment): void {
  for (const [name, value] of Object.entries(caller)) if (value !== undefined) env.set(name, value);
}

function addProxies(env: Map<string, string>, caller: HostEnvironment): void {
  for (const lower of PROXY_NAMES) {
    for (const name of [lower, lower.toUpperCase()]) {
      const value = caller[name];
      if (value !== undefined && value !== "") env.set(name, value);
    }
  }
}

function addEnvFile(env: Map<string, string>, file: string, caller: HostEnvironment): void {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const reason = errnoCode(cause) === "ENOENT" ? "no such file or directory" : (cause as Error).message;
    throw new UsageError("env-file", `open ${file}: ${reason}`, { cause });
  }
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.replace(/^[ \t\v\f]+/, "");
    if (line === "" || line.startsWith("#")) continue;
    try {
      addWord(env, line, caller);
    } catch (cause) {
      throw new UsageError("env-file", `parsing file "${file}": ${(cause as Error).message}`, { cause });
    }
  }
}

/** `NAME=value`, `NAME` (the caller's value, or nothing) or `PREFIX*` (every such variable of the caller). */
function addWord(env: Map<string, string>, word: string, caller: HostEnvironment): void {
  const equals = word.indexOf("=");
  const name = (equals < 0 ? word : word.slice(0, equals)).replace(/^[ \t\v\f]+/, "");
  if (name === "" || word.includes("\0")) {
    throw new UsageError("invalid-variable", `invalid variable: ${JSON.stringify(word)}`, {
      hint: "Give a variable as NAME=value, or NAME to take the value from your environment.",
    });
  }
  if (equals >= 0) env.set(name, word.slice(equals + 1));
  else if (name.endsWith("*")) {
    const prefix = name.slice(0, -1);
    for (const [key, value] of Object.entries(caller)) {
      if (key.startsWith(prefix) && value !== undefined) env.set(key, value);
    }
  } else {
    const value = caller[name];
    if (value !== undefined) env.set(name, value);
  }
}

/** `NAME=text with ${OTHER}`: the references are to the image's variables only. */
function mergeOne(env: Map<string, string>, word: string): void {
  const equals = word.indexOf("=");
  if (equals <= 0) throw new UsageError("invalid-variable", `missing = in --env-merge substitution ${word}`);
  const value = word
    .slice(equals + 1)
    .replace(
      /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g,
      (_, braced, plain) => env.get(braced ?? plain) ?? "",
    );
  env.set(word.slice(0, equals), value);
}
