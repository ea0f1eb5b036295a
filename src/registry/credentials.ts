/**
 * Who we are to a registry: `auth.json`, docker's `config.json`, and the credential helpers they name
 * (containers-auth.json(5)).
 */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { ConfigError, errnoCode } from "../base/index.ts";
import { hostEnvironment } from "../config/index.ts";
import { errnoText, loadLibc, type Paths, readIfExists, writeFileAtomic } from "../host/index.ts";
import { askHelper, eraseWithHelper, storeWithHelper } from "./credential-helper.ts";

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** An OAuth2 refresh token instead of a password. */
  readonly identityToken?: string;
}

export interface AuthOptions {
  readonly paths: Paths;
  /** `--authfile`. */
  readonly authFile?: string | undefined;
  /** `--compat-auth-file`: in docker's manner. */
  readonly compatAuthFile?: string | undefined;
}

interface AuthEntry {
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly username?: string;
  readonly password?: string;
}

interface AuthDocument {
  auths?: Record<string, AuthEntry>;
  credHelpers?: Record<string, string>;
  credsStore?: string;
  [other: string]: unknown;
}

const DOCKER_HUB = "docker.io";
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

/** The files that are searched, in order. */
export function authFiles(options: AuthOptions): string[] {
  const env = hostEnvironment();
  const named = options.compatAuthFile ?? options.authFile ?? env.REGISTRY_AUTH_FILE;
  if (named) return [named];
  const docker = env.DOCKER_CONFIG ? join(env.DOCKER_CONFIG, "config.json") : undefined;
  return [
    defaultAuthFile(options.paths),
    join(dirname(options.paths.config), "containers", "auth.json"),
    docker ?? join(env.HOME ?? "/", ".docker", "config.json"),
  ];
}

/** Where `login` writes if nobody says otherwise: gone with the next boot where there is a place for that, as in podman. */
export function defaultAuthFile(paths: Paths): string {
  const runtime = hostEnvironment().XDG_RUNTIME_DIR ?? "";
  if (isAbsolute(runtime)) return join(runtime, "containers", "auth.json");
  return join(dirname(paths.config), "containers", "auth.json");
}

/** The file that `login` and `logout` change. */
export function writableAuthFile(options: AuthOptions): string {
  return authFiles(options)[0] as string;
}

/**
 * Credentials for a repository (`host/path`): of the longest key that covers it, in the first file that has one.
 *
 * @throws {ConfigError} for a file or a helper that cannot be used: nobody falls back to another registry
 */
export async function findCredentials(
  options: AuthOptions,
  repository: string,
): Promise<Credentials | undefined> {
  for (const path of authFiles(options)) {
    const document = readAuthFile(path);
    const found = document && (await lookup(document, path, repository));
    if (found !== undefined) return found;
  }
  return undefined;
}

async function lookup(
  document: AuthDocument,
  path: string,
  repository: string,
): Promise<Credentials | undefined> {
  const keys = lookupKeys(repository);
  const host = keys.at(-1) as string;
  const helper = document.credHelpers?.[host];
  const helperKey = host === DOCKER_HUB ? DOCKER_HUB_KEY : host;
  if (helper) return askHelper(helper, host);
  for (const key of keys) {
    const entry = matchingEntry(document.auths ?? {}, key);
    const found = entry && decodeEntry(entry, path, key);
    if (found !== undefined) return found;
  }
  return document.credsStore ? askHelper(document.credsStore, helperKey) : undefined;
}

/** `a/b/c`, `a/b`, `a`. */
function lookupKeys(repository: string): string[] {
  const parts = repository.split("/");
  return parts.map((_, index) => parts.slice(0, parts.length - index).join("/"));
}

/** Also the spellings older tools have written: with a scheme, with `/v1/`. */
function matchingEntry(auths: Record<string, AuthEntry>, key: string): AuthEntry | undefined {
  if (Object.hasOwn(auths, key)) return auths[key];
  if (key.includes("/")) return undefined;
  const old = Object.keys(auths).find((candidate) => normalisedHost(candidate) === key);
  return old === undefined ? undefined : auths[old];
}

function normalisedHost(key: string): string | undefined {
  const bare = key
    .replace(/^https?:\/\//, "")
    .replace(/\/v[12]\/?$/, "")
    .replace(/\/$/, "");
  if (bare.includes("/")) return undefined;
  return bare === "index.docker.io" || bare === "registry-1.docker.io" ? DOCKER_HUB : bare;
}

function decodeEntry(entry: AuthEntry, path: string, key: string): Credentials | undefined {
  const token =
    typeof entry.identitytoken === "string" && entry.identitytoken !== "" ? entry.identitytoken : undefined;
  const identity = token === undefined ? {} : { identityToken: token };
  if (typeof entry.auth === "string" && entry.auth !== "") {
    // Tools end the text with newlines and zero bytes.
    const text = Buffer.from(entry.auth, "base64")
      .toString("utf8")
      .replace(/[\0\n]+$/, "");
    const colon = text.indexOf(":");
    if (colon < 0)
      throw new ConfigError(
        "auth-invalid",
        `cannot read ${path}: the entry of ${key} is not a user and a password`,
      );
    return { username: text.slice(0, colon), password: text.slice(colon + 1), ...identity };
  }
  if (entry.username && entry.password)
    return { username: entry.username, password: entry.password, ...identity };
  return token === undefined ? undefined : { username: "", password: "", identityToken: token };
}

/** @throws {ConfigError} `auth-invalid`, `auth-unreadable` */
function readAuthFile(path: string): AuthDocument | undefined {
  let text: string | undefined;
  try {
    text = readIfExists(path);
  } catch (error) {
    const code = errnoCode(error);
    throw new ConfigError("auth-unreadable", `cannot read ${path}: ${errnoText(code) ?? code ?? error}`, {
      cause: error,
    });
  }
  if (text === undefined || text.trim() === "") return undefined;
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === "object" && document !== null && !Array.isArray(document))
      return document as AuthDocument;
  } catch {
    // Said below; the parser's words could quote a password.
  }
  throw new ConfigError("auth-invalid", `cannot read ${path}: it is not a JSON object`);
}

/** What a registry's entry is called in the file that is written. */
function entryKey(options: AuthOptions, key: string): string {
  return options.compatAuthFile !== undefined && key === DOCKER_HUB ? DOCKER_HUB_KEY : key;
}

/** Remembers credentials; a helper the file names for the registry gets them instead. Returns the file. */
export async function saveCredentials(
  options: AuthOptions,
  key: string,
  found: Credentials,
): Promise<string> {
  const path = writableAuthFile(options);
  const name = entryKey(options, key);
  const document = readAuthFile(path) ?? {};
  const helper = document.credHelpers?.[key] ?? document.credsStore;
  if (helper) await storeWithHelper(helper, name, found);
  else {
    changeAuthFile(path, (current) => {
      const auth = Buffer.from(`${found.username}:${found.password}`).toString("base64");
      const identity = found.identityToken === undefined ? {} : { identitytoken: found.identityToken };
      current.auths = { ...current.auths, [name]: { auth, ...identity } };
    });
  }
  return path;
}

/** Forgets a registry's credentials in the file `login` writes; false if it had none. */
export async function removeCredentials(options: AuthOptions, key: string): Promise<boolean> {
  const path = writableAuthFile(options);
  const document = readAuthFile(path);
  if (document === undefined) return false;
  const helper = document.credHelpers?.[key] ?? document.credsStore;
  const erased = helper ? await eraseWithHelper(helper, entryKey(options, key)) : false;
  const names = Object.keys(document.auths ?? {}).filter(
    (name) => name === key || normalisedHost(name) === key,
  );
  if (names.length === 0) return erased;
  changeAuthFile(path, (current) => {
    const kept = Object.entries(current.auths ?? {}).filter(([name]) => !names.includes(name));
    current.auths = Object.fromEntries(kept);
  });
  return true;
}

export function removeAllCredentials(options: AuthOptions): void {
  const path = writableAuthFile(options);
  if (readAuthFile(path) === undefined) return;
  changeAuthFile(path, (current) => {
    current.auths = {};
  });
}

/** One change after the other: two logins at once keep both. */
function changeAuthFile(path: string, change: (document: AuthDocument) => void): void {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const lock = openSync(directory, "r");
  try {
    loadLibc().flock(lock, "exclusive");
    const document = readAuthFile(path) ?? {};
    change(document);
    writeFileAtomic(path, `${JSON.stringify(document, null, "\t")}\n`, { mode: 0o600 });
  } finally {
    closeSync(lock);
  }
}
