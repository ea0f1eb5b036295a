/** One repository of a registry: its manifests, blobs, tags and uploads (OCI distribution specification 1.1). */
import { RegistryError, StorageError } from "../base/index.ts";
import { type Descriptor, type Digest, isDigest, MAX_MANIFEST, MEDIA, sha256 } from "../oci/index.ts";
import type { Answer, RegistryClient } from "./client.ts";
import { TransientError } from "./errors.ts";
import { bodyPieces, dropBody, readDocument } from "./http.ts";
import { backOff, sleep } from "./retry.ts";

export interface RemoteManifest {
  readonly bytes: Buffer;
  /** As the server declares it; empty if it does not. */
  readonly mediaType: string;
  readonly digest: Digest;
}

/** A body that can be sent more than once. */
export interface UploadSource {
  readonly digest: Digest;
  readonly size: number;
  /** Usually a file's, which the runtime streams. */
  readonly body: Blob;
}

const MANIFEST_TYPES = [MEDIA.ociIndex, MEDIA.ociManifest, MEDIA.dockerIndex, MEDIA.dockerManifest].join(
  ", ",
);
const MAX_LIST = 16 << 20;
const MAX_PAGES = 1000;
const UPLOAD_RETRIES = 4;

export class Repository {
  readonly client: RegistryClient;
  /** Path without the host: `library/busybox`. */
  readonly name: string;

  constructor(client: RegistryClient, name: string) {
    this.client = client;
    this.name = name;
  }

  get #pull(): string[] {
    return [`repository:${this.name}:pull`];
  }

  get #push(): string[] {
    return [`repository:${this.name}:pull,push`];
  }

  /**
   * A manifest or index by tag or digest; by digest, its bytes are verified.
   *
   * @throws {RegistryError} `registry-not-found` · @throws {StorageError} `digest-mismatch`
   */
  async manifest(reference: string, signal?: AbortSignal): Promise<RemoteManifest> {
    const { response, url } = await this.client.request({
      path: `/v2/${this.name}/manifests/${reference}`,
      headers: { Accept: MANIFEST_TYPES },
      scopes: this.#pull,
      accept: [200],
      signal,
    });
    const bytes = await readDocument(response, url, MAX_MANIFEST);
    const digest = sha256(bytes);
    if (isDigest(reference) && digest !== reference) {
      throw new StorageError(
        "digest-mismatch",
        `cannot use manifest ${reference}: what the registry sent has the digest ${digest}`,
      );
    }
    const mediaType = (response.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
    return { bytes, mediaType, digest };
  }

  /** The digest a tag has now, without its bytes; undefined if the registry does not say. */
  async headManifest(reference: string, signal?: AbortSignal): Promise<Digest | undefined> {
    const { response } = await this.client.request({
      method: "HEAD",
      path: `/v2/${this.name}/manifests/${reference}`,
      headers: { Accept: MANIFEST_TYPES },
      scopes: this.#pull,
      accept: [200],
      signal,
    });
    const digest = response.headers.get("docker-content-digest");
    return isDigest(digest) ? digest : undefined;
  }

  /** The bytes of a blob from an offset on, if the registry can; see `from` of what comes back. */
  async blob(blob: Descriptor, offset: number, signal?: AbortSignal): Promise<BlobStream> {
    const answer = await this.client.request({
      path: `/v2/${this.name}/blobs/${blob.digest}`,
      headers: offset > 0 ? { Range: `bytes=${offset}-${blob.size - 1}` } : {},
      scopes: this.#pull,
      accept: offset > 0 ? [200, 206, 416] : [200],
      signal,
    });
    return {
      from: await streamStart(answer, blob, offset),
      pieces: bodyPieces(answer.response, answer.url, signal),
    };
  }

  /** A small blob as a whole, verified. */
  async document(blob: Descriptor, what: string, limit: number, signal?: AbortSignal): Promise<Buffer> {
    if (blob.size > limit)
      throw new StorageError(
        "document-too-large",
        `cannot read ${what}: ${blob.size} bytes, the limit is ${limit}`,
      );
    const { response, url } = await this.client.request({
      path: `/v2/${this.name}/blobs/${blob.digest}`,
      scopes: this.#pull,
      accept: [200],
      signal,
    });
    const bytes = await readDocument(response, url, blob.size);
    const found = sha256(bytes);
    if (found === blob.digest && bytes.length === blob.size) return bytes;
    throw new StorageError(
      "digest-mismatch",
      `cannot use ${what}: its digest is ${found} (${bytes.length} bytes), the image promises ${blob.digest} (${blob.size} bytes)`,
    );
  }

  async tags(signal?: AbortSignal): Promise<string[]> {
    return this.#pages(`/v2/${this.name}/tags/list?n=1000`, "tags", this.#pull, signal);
  }

  async #pages(start: string, key: string, scopes: string[], signal?: AbortSignal): Promise<string[]> {
    const found: string[] = [];
    let path: string | URL | undefined = start;
    for (let page = 0; path !== undefined && page < MAX_PAGES; page++) {
      const { response, url }: Answer = await this.client.request({ path, scopes, accept: [200], signal });
      const next = nextPage(response.headers.get("link"), url);
      const items = readList(await readDocument(response, url, MAX_LIST), key, url);
      found.push(...items);
      path = items.length > 0 ? next : undefined;
    }
    return found;
  }

  async hasBlob(digest: Digest, signal?: AbortSignal): Promise<boolean> {
    const { response } = await this.client.request({
      method: "HEAD",
      path: `/v2/${this.name}/blobs/${digest}`,
      scopes: this.#push,
      accept: [200, 404],
      signal,
    });
    return response.status === 200;
  }

  /** Asks for a blob another repository of the same registry has; false if it has to be sent after all. */
  async mountBlob(digest: Digest, from: string, signal?: AbortSignal): Promise<boolean> {
    const answer = await this.client.request({
      method: "POST",
      path: `/v2/${this.name}/blobs/uploads/?${new URLSearchParams({ mount: digest, from })}`,
      headers: { "Content-Length": "0" },
      scopes: [...this.#push, `repository:${from}:pull`],
      accept: [201, 202, 401, 403],
      signal,
    });
    await dropBody(answer.response);
    if (answer.response.status === 202) await this.#cancel(answer);
    return answer.response.status === 201;
  }

  async #cancel(answer: Answer): Promise<void> {
    const location = answer.response.headers.get("location");
    if (location === null) return;
    const path = new URL(location, answer.url);
    await this.client
      .request({ method: "DELETE", path, scopes: this.#push, accept: [200, 202, 204, 404, 405] })
      .then(({ response }) => dropBody(response))
      .catch(() => {});
  }

  /** Sends a blob: the bytes in one PATCH, then the digest; after a broken connection the rest in another. */
  async upload(source: UploadSource, signal?: AbortSignal): Promise<void> {
    let location = await this.#beginUpload(signal);
    for (let sent = 0, tries = 0; sent < source.size || tries === 0; tries++) {
      try {
        location = await this.#patch(location, source, sent, signal);
        sent = source.size;
      } catch (error) {
        if (!(error instanceof TransientError) || tries >= UPLOAD_RETRIES) throw error;
        await sleep(backOff(tries + 1), signal);
        ({ location, sent } = await this.#uploadState(location, signal));
      }
    }
    location.searchParams.set("digest", source.digest);
    const { response } = await this.#uploadStep("PUT", location, { "Content-Length": "0" }, signal);
    await dropBody(response);
  }

  async #beginUpload(signal?: AbortSignal): Promise<URL> {
    const path = `/v2/${this.name}/blobs/uploads/`;
    const begun = await this.#uploadStep("POST", path, { "Content-Length": "0" }, signal);
    await dropBody(begun.response);
    return uploadLocation(begun);
  }

  #uploadStep(
    method: string,
    path: string | URL,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Answer> {
    return this.client.request({
      method,
      path,
      headers,
      scopes: this.#push,
      accept: [201, 202, 204],
      signal,
    });
  }

  async #patch(location: URL, source: UploadSource, from: number, signal?: AbortSignal): Promise<URL> {
    const part = from === 0 ? {} : { "Content-Range": `${from}-${source.size - 1}` };
    const sent = await this.client.request({
      method: "PATCH",
      path: location,
      headers: {
        "Content-Type": "application/octet-stream",
        "Content-Length": String(source.size - from),
        ...part,
      },
      body: () => (from === 0 ? source.body : source.body.slice(from)),
      scopes: this.#push,
      accept: [201, 202, 204],
      signal,
      once: true,
    });
    await dropBody(sent.response);
    return uploadLocation(sent);
  }

  /** How far an upload has come, by the registry's word. */
  async #uploadState(location: URL, signal?: AbortSignal): Promise<{ location: URL; sent: number }> {
    const answer = await this.client.request({
      path: location,
      scopes: this.#push,
      accept: [204, 202, 404],
      signal,
    });
    await dropBody(answer.response);
    if (answer.response.status === 404) return { location: await this.#beginUpload(signal), sent: 0 };
    const end = /^(?:bytes=)?0-(\d+)$/.exec(answer.response.headers.get("range") ?? "")?.[1];
    const next = answer.response.headers.has("location") ? uploadLocation(answer) : location;
    // "0-0" is one byte or none: the specification does not tell them apart.
    return { location: next, sent: end === undefined || end === "0" ? 0 : Number(end) + 1 };
  }

  /** @returns the digest under which it can be asked for */
  async putManifest(
    reference: string,
    bytes: Buffer,
    mediaType: string,
    signal?: AbortSignal,
  ): Promise<Digest> {
    const { response } = await this.client.request({
      method: "PUT",
      path: `/v2/${this.name}/manifests/${reference}`,
      headers: { "Content-Type": mediaType },
      body: () => bytes as Uint8Array<ArrayBuffer>,
      scopes: this.#push,
      accept: [200, 201, 202],
      signal,
    });
    await dropBody(response);
    return sha256(bytes);
  }
}

export interface BlobStream {
  /** Where in the blob the pieces begin: the wanted offset, or 0 from a registry that knows no ranges. */
  readonly from: number;
  readonly pieces: AsyncGenerator<Uint8Array>;
}

async function streamStart({ response, url }: Answer, blob: Descriptor, offset: number): Promise<number> {
  const wrong = async (reason: string) => {
    await dropBody(response);
    return new RegistryError("answer-invalid", `cannot download ${blob.digest} from ${url.host}: ${reason}`);
  };
  if (response.status === 416) throw await wrong(`it has no ${blob.size} bytes`);
  if (response.status === 200) {
    const length = response.headers.get("content-length");
    if (length !== null && Number(length) !== blob.size)
      throw await wrong(`it has ${length} bytes there, the image promises ${blob.size}`);
    return 0;
  }
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  if (range === null || Number(range[1]) !== offset)
    throw await wrong("it sends another part than was asked for");
  return offset;
}

function uploadLocation({ response, url }: Answer): URL {
  const location = response.headers.get("location");
  if (location !== null && URL.canParse(location, url.href)) return new URL(location, url);
  throw new RegistryError("answer-invalid", `cannot send a blob to ${url.host}: it does not say where`);
}

function nextPage(link: string | null, url: URL): URL | undefined {
  const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1];
  if (target === undefined || !URL.canParse(target, url.href)) return undefined;
  const next = new URL(target, url);
  return next.host === url.host ? next : undefined;
}

function readList(bytes: Buffer, key: string, url: URL): string[] {
  try {
    const items = (JSON.parse(bytes.toString("utf8")) as Record<string, unknown>)[key] ?? [];
    if (Array.isArray(items) && items.every((item) => typeof item === "string")) return items;
  } catch {
    // Said below.
  }
  throw new RegistryError(
    "answer-invalid",
    `cannot read the list of ${key} of ${url.host}: it is not understood`,
  );
}
