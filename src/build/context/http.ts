/** Files from the web, for ADD and for contexts. */
import { closeSync, openSync, writeSync } from "node:fs";
import { KelpError, redact, Sha256 } from "../../base/index.ts";

export interface Fetched {
  readonly path: string;
  /** Of the content. */
  readonly digest: string;
  /** Last word of the address's path; may be empty. */
  readonly name: string;
  /** Seconds; what the server says of the file's age, else 0. */
  readonly mtime: number;
}

const MAX_REDIRECTS = 10;
const MAX_BYTES = 16 * 2 ** 30;

export function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/**
 * Fetches into `path`. A server must not send the machine's own services into an image: a redirection from elsewhere to
 * this machine is refused.
 *
 * @throws {KelpError} `fetch-failed`
 */
export async function fetchFile(address: string, path: string): Promise<Fetched> {
  const { response, url } = await follow(address);
  const hash = new Sha256();
  const fd = openSync(path, "wx", 0o600);
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MAX_BYTES) throw failed(address, `it is larger than ${MAX_BYTES} bytes`);
      hash.update(chunk);
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    }
  } catch (error) {
    throw error instanceof KelpError ? error : failed(address, (error as Error).message, error);
  } finally {
    closeSync(fd);
  }
  const modified = Date.parse(response.headers.get("last-modified") ?? "");
  const name = decodeURIComponent(url.pathname.split("/").at(-1) ?? "");
  return {
    path,
    digest: hash.digestHex(),
    name,
    mtime: Number.isNaN(modified) ? 0 : Math.floor(modified / 1000),
  };
}

async function follow(address: string): Promise<{ response: Response; url: URL }> {
  let url = parse(address, address);
  const first = url;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    let response: Response;
    try {
      response = await fetch(url, { redirect: "manual", headers: { "accept-encoding": "identity" } });
    } catch (error) {
      throw failed(address, (error as Error).message, error);
    }
    const next = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || next === null) {
      if (!response.ok)
        throw failed(address, `the server says ${response.status} ${response.statusText}`.trim());
      return { response, url: first };
    }
    url = parse(next, address, url);
    if (isOwnMachine(url.hostname) && !isOwnMachine(first.hostname))
      throw failed(address, `it redirects to ${url.hostname}, which is this machine`);
  }
  throw failed(address, "it redirects too often");
}

function parse(text: string, address: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw failed(address, "it leads to an address that is not of the web");
  return url;
}

function isOwnMachine(host: string): boolean {
  return /^(localhost|.*\.localhost|127\..*|0\..*|169\.254\..*|\[::1?\]|\[::ffff:.*\]|\[fe80:.*\])$/i.test(
    host,
  );
}

function failed(address: string, reason: string, cause?: unknown): KelpError {
  return new KelpError("fetch-failed", `cannot fetch ${redact(withoutUser(address))}: ${reason}`, { cause });
}

/** An address as it may be shown: without a password. */
export function withoutUser(address: string): string {
  return address.replace(/\/\/[^/@\s]*@/g, "//");
}
