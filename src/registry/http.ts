/** One exchange with a server: trust by host, proxies, time limits. Redirects and credentials are the caller's. */
import { BUILD, log, RegistryError } from "../base/index.ts";
import { hostEnvironment } from "../config/index.ts";
import type { Paths } from "../host/index.ts";
import { certificateDirs, readCertificates, systemCertificates, type TlsFiles } from "./certificates.ts";
import { connectionError } from "./errors.ts";
import { proxyFor } from "./proxy.ts";

/** What is sent: bytes, or a file that the runtime streams from the disk. */
export type Body = string | Uint8Array<ArrayBuffer> | Blob;

export interface Exchange {
  readonly method?: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpOptions {
  readonly paths: Paths;
  /** `--cert-dir`, for this host alone. */
  readonly certDir?: { readonly host: string; readonly path: string } | undefined;
  /** Hosts (`name:port`) whose certificates are not looked at. */
  readonly insecureHosts: ReadonlySet<string>;
}

/** Until the answer's first byte. */
const ANSWER_MS = 60_000;
/** A body that comes slower than this has broken off: fewer bytes in as much time spent waiting for them. */
const PACE = { ms: 60_000, bytes: 60_000 };
/** For the whole of a small document. */
const DOCUMENT_MS = 120_000;

type FetchOptions = RequestInit & { tls?: object; proxy?: string | false; decompress?: boolean };

export class HttpClient {
  readonly #options: HttpOptions;
  readonly #files = new Map<string, TlsFiles>();

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** @throws {RegistryError} if there is no answer; any status is an answer. Redirects are answers, too. */
  async send(exchange: Exchange): Promise<Response> {
    const { url, method = "GET" } = exchange;
    const clock = new AbortController();
    const timer = setTimeout(() => clock.abort(new DOMException("no answer", "TimeoutError")), ANSWER_MS);
    const signal =
      exchange.signal === undefined ? clock.signal : AbortSignal.any([clock.signal, exchange.signal]);
    const options: FetchOptions = {
      method,
      headers: { "User-Agent": `kelp/${BUILD.version}`, "Accept-Encoding": "identity", ...exchange.headers },
      redirect: "manual",
      decompress: false,
      proxy: proxyFor(url, hostEnvironment()) ?? false,
      signal,
      ...(exchange.body === undefined ? {} : { body: exchange.body }),
      ...(url.protocol === "https:" ? { tls: this.#tls(url.host) } : {}),
    };
    try {
      const response = await fetch(url, options);
      log.debug(`${method} ${url.protocol}//${url.host}${url.pathname}`, { status: response.status });
      return response;
    } catch (error) {
      if (exchange.signal?.aborted) throw interrupted();
      throw connectionError(url, clock.signal.aborted ? clock.signal.reason : error);
    } finally {
      clearTimeout(timer);
    }
  }

  #tls(host: string): object {
    if (this.#options.insecureHosts.has(host)) return { ...this.#identity(host), rejectUnauthorized: false };
    const { ca, ...identity } = this.#certificates(host);
    const trusted = [...systemCertificates(), ...ca];
    return { ...identity, rejectUnauthorized: true, ...(trusted.length === 0 ? {} : { ca: trusted }) };
  }

  #identity(host: string): object {
    const { ca: _, ...identity } = this.#certificates(host);
    return identity;
  }

  #certificates(host: string): TlsFiles {
    const known = this.#files.get(host);
    if (known !== undefined) return known;
    const { certDir, paths } = this.#options;
    const dirs = certDir?.host === host ? [certDir.path] : certificateDirs(paths, host);
    let found: TlsFiles | undefined;
    for (const dir of dirs) found ??= readCertificates(dir);
    const files = found ?? { ca: [] };
    this.#files.set(host, files);
    return files;
  }
}

export function interrupted(): RegistryError {
  return new RegistryError("interrupted", "cannot go on: interrupted", { exitCode: 130 });
}

/**
 * The pieces of a body. Leaving the loop early closes the connection.
 *
 * @param pace only the time spent waiting counts: who takes the pieces may be slower
 * @throws {TransientError} if the connection breaks or next to nothing comes for a minute
 */
export async function* bodyPieces(
  response: Response,
  url: URL,
  signal?: AbortSignal,
  pace = PACE,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let whole = false;
  let [waited, got] = [0, 0];
  try {
    for (;;) {
      const asked = performance.now();
      const { done, value } = await withTimeout(reader.read(), Math.max(pace.ms - waited, 0), signal);
      if (done) break;
      waited += performance.now() - asked;
      got += value.length;
      if (got >= pace.bytes) [waited, got] = [0, 0];
      yield value;
    }
    whole = true;
  } catch (error) {
    if (signal?.aborted) throw interrupted();
    throw connectionError(url, error);
  } finally {
    if (!whole) void reader.cancel().catch(() => {});
  }
}

function withTimeout<T>(promise: Promise<T>, ms: number, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => settle(() => reject(signal?.reason));
    const timer = setTimeout(() => settle(() => reject(new DOMException("no data", "TimeoutError"))), ms);
    const settle = (then: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      then();
    };
    signal?.addEventListener("abort", stop, { once: true });
    promise.then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
  });
}

/** A small document as a whole. @throws {RegistryError} `answer-too-large` */
export async function readDocument(response: Response, url: URL, limit: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const clock = AbortSignal.timeout(DOCUMENT_MS);
  let size = 0;
  for await (const piece of bodyPieces(response, url)) {
    size += piece.length;
    if (size > limit) {
      throw new RegistryError(
        "answer-too-large",
        `cannot read the answer of ${url.host}: it has more than ${limit} bytes`,
      );
    }
    if (clock.aborted) throw connectionError(url, clock.reason);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, size);
}

/** A body nobody wants; the connection can be used again if it was short. */
export async function dropBody(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}
