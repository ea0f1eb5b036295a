/**
 * Bearer tokens: where a registry says to ask, if credentials may go there at all. The registry chooses
 * that address, so it is treated as an attacker's.
 */
import { RegistryError } from "../base/index.ts";
import type { Challenge } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";
import { dropBody, type HttpClient, readDocument } from "./http.ts";
import { isLoopback } from "./proxy.ts";

export interface TokenRequest {
  readonly challenge: Challenge;
  /** `https://host:port` of the registry that sent it. */
  readonly registry: URL;
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
  /** Hosts the user's configuration trusts with this registry's credentials. */
  readonly tokenHosts: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

export interface Token {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

const MAX_ANSWER = 1 << 20;
const DEFAULT_SECONDS = 60;
/** A token is not used in its last seconds. */
const MARGIN_MS = 5_000;
/** Token servers everybody knows, whose names do not show whose they are. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  "registry-1.docker.io": ["auth.docker.io"],
};

/** @throws {RegistryError} `token-host-refused`, `unauthorized`, `token-invalid` */
export async function fetchToken(http: HttpClient, request: TokenRequest): Promise<Token> {
  const realm = checkRealm(request);
  const trusted = mayKnowCredentials(realm, request);
  if (request.credentials !== undefined && !trusted) throw untrusted(realm, request.registry);
  const response = await ask(http, realm, request);
  if (response.status === 401 || response.status === 403 || response.status === 400) {
    await dropBody(response);
    throw new RegistryError(
      "unauthorized",
      "unable to retrieve auth token: invalid username/password: unauthorized: authentication required",
    );
  }
  if (response.status !== 200) {
    await dropBody(response);
    throw new RegistryError(
      "token-failed",
      `cannot get a token from ${realm.host}: it answered ${response.status}`,
    );
  }
  return readToken(await readDocument(response, realm, MAX_ANSWER), realm);
}

function ask(http: HttpClient, realm: URL, request: TokenRequest): Promise<Response> {
  const { challenge, credentials, scopes, signal } = request;
  const service = challenge.params.service;
  if (credentials?.identityToken !== undefined) {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: "kelp",
      refresh_token: credentials.identityToken,
    });
    if (service !== undefined) form.set("service", service);
    form.set("scope", scopes.join(" "));
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    return http.send({ method: "POST", url: realm, headers, body: form.toString(), signal });
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (credentials !== undefined) url.searchParams.set("account", credentials.username);
  const headers = credentials === undefined ? {} : { Authorization: basicAuthorization(credentials) };
  return http.send({ url, headers, signal });
}

export function basicAuthorization({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** The address to ask, refused where nobody honest would point. */
function checkRealm({ challenge, registry }: TokenRequest): URL {
  const text = challenge.params.realm ?? "";
  const realm = URL.canParse(text) ? new URL(text) : undefined;
  if (
    realm === undefined ||
    !/^https?:$/.test(realm.protocol) ||
    realm.username !== "" ||
    realm.password !== ""
  )
    throw refused(registry, `${JSON.stringify(text.slice(0, 120))} is not an address of a token server`);
  if (realm.protocol === "http:" && registry.protocol === "https:")
    throw refused(registry, `its token server ${realm.host} is without TLS`);
  if (isInternal(realm.hostname) && !isInternal(registry.hostname))
    throw refused(registry, `it names this machine or its own network (${realm.host}) as token server`);
  realm.hash = "";
  return realm;
}

/** Loopback, link-local and unspecified addresses: no server for others is there. */
function isInternal(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (isLoopback(host)) return true;
  return /^(169\.254\.|0\.)/.test(host) || /^(::$|fe[89ab][0-9a-f]:|::ffff:(a9fe|0:|169\.254))/.test(host);
}

/** The registry itself, a server of the same site, or one that is known or configured. */
function mayKnowCredentials(realm: URL, { registry, tokenHosts }: TokenRequest): boolean {
  if (realm.origin === registry.origin) return true;
  if (tokenHosts.includes(realm.host)) return true;
  if (realm.protocol !== "https:") return false;
  if (KNOWN[registry.host]?.includes(realm.host)) return true;
  return sameSite(registry.hostname, realm.hostname);
}

/** `registry.example.com` and `auth.example.com` or `example.com`; never two names directly under a top domain. */
function sameSite(registry: string, realm: string): boolean {
  if (registry === realm) return true;
  if (/^[\d.]+$|:/.test(registry)) return false;
  const site = registry.split(".").slice(1);
  if (site.length < 2 || (site.length === 2 && isRegistrySuffix(site))) return false;
  const suffix = site.join(".");
  return realm === suffix || realm.endsWith(`.${suffix}`);
}

/** `co.uk`, `com.au`: anybody can have a name under it. */
function isRegistrySuffix([second = "", top = ""]: readonly string[]): boolean {
  return top.length === 2 && (second.length <= 3 || /^(info|name|gouv|govt)$/.test(second));
}

function refused(registry: URL, reason: string): RegistryError {
  return new RegistryError("token-host-refused", `cannot log in to ${registry.host}: ${reason}`);
}

function untrusted(realm: URL, registry: URL): RegistryError {
  return new RegistryError(
    "token-host-refused",
    `cannot log in to ${registry.host}: it wants its credentials sent to ${realm.host}, which is not known to belong to it`,
    {
      hint: `if it does, say so in kelp's config.toml: [registry] token_hosts = { "${registry.host}" = ["${realm.host}"] }`,
    },
  );
}

function readToken(bytes: Buffer, realm: URL): Token {
  let answer: { token?: unknown; access_token?: unknown; expires_in?: unknown };
  try {
    answer = JSON.parse(bytes.toString("utf8")) ?? {};
  } catch {
    answer = {};
  }
  const value = answer.token || answer.access_token;
  // Control characters would end the header the token is put into.
  if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value))
    throw new RegistryError(
      "token-invalid",
      `cannot get a token from ${realm.host}: its answer is not understood`,
    );
  const seconds =
    typeof answer.expires_in === "number" && answer.expires_in > 0 ? answer.expires_in : DEFAULT_SECONDS;
  return { value, expires: Date.now() + Math.min(seconds, 86_400) * 1000 - MARGIN_MS };
}
