/** One registry as one user sees it: who we are, where its answers lead, and how often to ask. */
import { escapeControl, RegistryError } from "../base/index.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";
import { isTlsFailure, TransientError } from "./errors.ts";
import { type Body, dropBody, type HttpClient, readDocument } from "./http.ts";
import { parseRetryAfter, withRetry } from "./retry.ts";
import { basicAuthorization, fetchToken, type Token } from "./token.ts";

export interface ClientOptions {
  /** `host[:port]` as the user writes it. */
  readonly host: string;
  /** Plain HTTP and unverified certificates are allowed. */
  readonly insecure: boolean;
  readonly http: HttpClient;
  /** Asked when the registry wants to know who we are, once. */
  credentials(): Promise<Credentials | undefined>;
  readonly tokenHosts: readonly string[];
}

export interface ClientRequest {
  readonly method?: string;
  /** Beginning with `/v2/`, or what the registry gave as a `Location`. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each attempt. */
  readonly body?: () => Body;
  /** What a token must allow: `repository:NAME:pull`. */
  readonly scopes: readonly string[];
  /** Statuses that are no failure. */
  readonly accept: readonly number[];
  /** The caller decides what another attempt looks like. */
  readonly once?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** An answer and where it came from in the end. */
export interface Answer {
  readonly response: Response;
  readonly url: URL;
}

const MAX_REDIRECTS = 5;
const MAX_ERROR_BODY = 64 << 10;
/** Of one request; whole operations are tried again by whoever knows them. */
const REQUEST_RETRIES = 4;

export class RegistryClient {
  readonly host: string;
  readonly #options: ClientOptions;
  readonly #tokens = new Map<string, Promise<Token>>();
  #base: Promise<URL> | undefined;
  #challenge: Challenge | undefined;
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(options: ClientOptions) {
    this.host = options.host;
    this.#options = options;
  }

  /** @throws {RegistryError} for a status that is not accepted, in the registry's words */
  async request(request: ClientRequest): Promise<Answer> {
    // Nobody listens there: the next seconds will not change that, and --retry is for the longer run.
    const gaveUp = (error: TransientError) => error.code === "connection-failed";
    const policy = { retries: request.once === true ? 0 : REQUEST_RETRIES, signal: request.signal, gaveUp };
    return withRetry(policy, () => this.#attempt(request));
  }

  async #attempt(request: ClientRequest): Promise<Answer> {
    const base = await this.base(request.signal);
    const url = new URL(request.path, base);
    if (url.hostname === base.hostname && url.port === base.port) url.protocol = base.protocol;
    let answer = await this.#follow(request, base, url);
    if (answer.response.status === 401 && answer.url.origin === base.origin) {
      await this.#learn(answer.response);
      if (this.#challenge !== undefined) answer = await this.#follow(request, base, url);
    }
    return this.#checked(request, answer);
  }

  /** Does the registry answer at all, and to these credentials? */
  async ping(signal?: AbortSignal): Promise<void> {
    const { response } = await this.request({ path: "/v2/", scopes: [], accept: [200, 404], signal });
    await dropBody(response);
  }

  /** Scheme, host and port: https, unless that fails and the registry may do without. */
  base(signal?: AbortSignal): Promise<URL> {
    this.#base ??= this.#findBase(signal).catch((error) => {
      this.#base = undefined;
      throw error;
    });
    return this.#base;
  }

  async #findBase(signal?: AbortSignal): Promise<URL> {
    const host = this.host === "docker.io" ? "registry-1.docker.io" : this.host;
    const secure = new URL(`https://${host}`);
    if (!this.#options.insecure) return secure;
    try {
      await this.#probe(secure, signal);
      return secure;
    } catch (error) {
      const plain = new URL(`http://${host}`);
      if (!isTlsFailure(error) && !(error instanceof TransientError)) throw error;
      await this.#probe(plain, signal);
      return plain;
    }
  }

  async #probe(base: URL, signal?: AbortSignal): Promise<void> {
    const response = await this.#send({ url: new URL("/v2/", base), signal });
    if (response.status === 401) await this.#learn(response);
    else await dropBody(response);
  }

  async #send(exchange: Parameters<HttpClient["send"]>[0]): Promise<Response> {
    try {
      return await this.#options.http.send(exchange);
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code === "interrupted") throw error;
      const message = `pinging container registry ${this.host}: ${error.message}`;
      const hint = error.hint === undefined ? {} : { hint: error.hint };
      if (error instanceof TransientError) throw new TransientError(error.code, message, { cause: error });
      throw new RegistryError(error.code, message, { cause: error, ...hint });
    }
  }

  /** Follows redirects by hand: credentials stay with the registry, and do not come back after a detour. */
  async #follow(request: ClientRequest, base: URL, start: URL): Promise<Answer> {
    let url = start;
    let known = url.origin === base.origin;
    for (let hops = 0; ; hops++) {
      const authorization = known ? await this.#authorization(request, base) : undefined;
      const headers = {
        ...request.headers,
        ...(authorization === undefined ? {} : { Authorization: authorization }),
      };
      const { method, signal } = request;
      const body = request.body?.();
      const response = await this.#send({
        url,
        headers,
        signal,
        ...(method === undefined ? {} : { method }),
        ...(body === undefined ? {} : { body }),
      });
      const location = response.headers.get("location");
      const moved = [301, 302, 303, 307, 308].includes(response.status) && location !== null;
      if (!moved || request.accept.includes(response.status)) return { response, url };
      await dropBody(response);
      url = this.#redirect(request, url, location, hops);
      known &&= url.origin === base.origin;
    }
  }

  #redirect(request: ClientRequest, from: URL, location: string, hops: number): URL {
    const method = request.method ?? "GET";
    const refuse = (reason: string) =>
      new RegistryError("redirect-refused", `cannot follow ${from.host}: ${reason}`);
    if (hops >= MAX_REDIRECTS) throw refuse(`it redirects more than ${MAX_REDIRECTS} times`);
    if (method !== "GET" && method !== "HEAD") throw refuse(`it redirects a ${method}`);
    if (!URL.canParse(location, from.href)) throw refuse("it redirects to something that is no address");
    const url = new URL(location, from);
    if (url.username !== "" || url.password !== "")
      throw refuse("it redirects to an address with a password");
    if (url.protocol !== "https:" && (url.protocol !== "http:" || from.protocol === "https:"))
      throw refuse(`it redirects from ${from.protocol}// to ${url.protocol}//`);
    return url;
  }

  /** Remembers what the registry wants; nothing if it says nothing we understand. */
  async #learn(response: Response): Promise<void> {
    const challenges = parseChallenges(response.headers.get("www-authenticate"));
    await dropBody(response);
    const wanted =
      challenges.find(({ scheme }) => scheme === "bearer") ??
      challenges.find(({ scheme }) => scheme === "basic");
    this.#challenge = wanted;
    this.#tokens.clear();
  }

  async #authorization(request: ClientRequest, base: URL): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    this.#credentials ??= this.#options.credentials();
    const credentials = await this.#credentials;
    if (this.#challenge.scheme === "basic")
      return credentials === undefined || credentials.identityToken !== undefined
        ? undefined
        : basicAuthorization(credentials);
    return `Bearer ${(await this.#token(this.#challenge, request, base, credentials)).value}`;
  }

  async #token(
    challenge: Challenge,
    request: ClientRequest,
    base: URL,
    credentials: Credentials | undefined,
  ): Promise<Token> {
    const key = request.scopes.join(" ");
    const known = await this.#tokens.get(key);
    if (known !== undefined && known.expires > Date.now()) return known;
    const fresh = fetchToken(this.#options.http, {
      challenge,
      registry: base,
      scopes: request.scopes,
      credentials,
      tokenHosts: this.#options.tokenHosts,
      signal: request.signal,
    });
    this.#tokens.set(key, fresh);
    fresh.catch(() => this.#tokens.delete(key));
    return fresh;
  }

  async #checked(request: ClientRequest, answer: Answer): Promise<Answer> {
    const { response, url } = answer;
    if (request.accept.includes(response.status)) return answer;
    const { status, headers } = response;
    const retryAfterMs = parseRetryAfter(headers.get("retry-after"));
    const said = await errorWords(response, url, request.method);
    if (status === 429 || status === 408 || (status >= 500 && status !== 501))
      throw new TransientError("registry-busy", said, { retryAfterMs });
    if (status === 401) throw new RegistryError("unauthorized", said);
    if (status === 403) throw new RegistryError("denied", said);
    if (status === 404) throw new RegistryError("registry-not-found", said);
    throw new RegistryError("registry-failed", said);
  }
}

/** What the registry says about its refusal, fit for one line. */
async function errorWords(response: Response, url: URL, method: string | undefined): Promise<string> {
  const { status } = response;
  if (method === "HEAD") await dropBody(response);
  const bytes =
    method === "HEAD"
      ? Buffer.alloc(0)
      : await readDocument(response, url, MAX_ERROR_BODY).catch(() => Buffer.alloc(0));
  const words = registryWords(bytes);
  if (status === 401) {
    if (words === "" || words.includes("authentication required")) return words || "authentication required";
    return `${words}: authentication required`;
  }
  if (status === 403 && words === "") return "requested access to the resource is denied";
  if (status === 429) return `toomanyrequests: ${words || "the registry asks to wait"}`;
  return words || `${url.host} answered ${status}`;
}

function registryWords(bytes: Buffer): string {
  try {
    const { errors } = JSON.parse(bytes.toString("utf8")) as {
      errors?: { code?: unknown; message?: unknown }[];
    };
    const first = errors?.[0];
    if (typeof first?.message === "string" && first.message !== "")
      return escapeControl(first.message).slice(0, 300);
    if (typeof first?.code === "string")
      return escapeControl(first.code.toLowerCase().replaceAll("_", " ")).slice(0, 100);
  } catch {
    // Some answer with a page for people; the status says enough.
  }
  return "";
}
