/** A registry in the test's own process, for what a real one cannot be made to do. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";

export function digestOf(data: string | Uint8Array): string {
  return `sha256:${createHash("sha256").update(data).digest("hex")}`;
}

/** Answers a request itself and says true, or leaves it to the stub. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => boolean | undefined;

export interface StubImage {
  readonly manifest: string;
  readonly config: string;
  /** As stored, compressed. */
  readonly layers: readonly Buffer[];
}

export interface StubLayer {
  readonly tar: Buffer;
  /** Already compressed bytes that stand for `tar`; gzip of it if absent. */
  readonly blob?: Buffer;
}

export class StubRegistry {
  readonly blobs = new Map<string, Buffer>();
  /** By `NAME:REFERENCE`. */
  readonly manifests = new Map<string, { bytes: Buffer; type: string }>();
  /** Every request that came. */
  readonly requests: { method: string; url: string; headers: IncomingMessage["headers"] }[] = [];
  handler: Handler = () => undefined;
  readonly #server: Server;
  readonly #name: string;

  private constructor(tls?: { readonly cert: string; readonly key: string }) {
    const answer = (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response);
    this.#server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
    this.#name = tls === undefined ? "127.0.0.1" : "localhost";
  }

  static async start(tls?: { readonly cert: string; readonly key: string }): Promise<StubRegistry> {
    const stub = new StubRegistry(tls);
    await new Promise<void>((resolve) => stub.#server.listen(0, "127.0.0.1", resolve));
    return stub;
  }

  get host(): string {
    return `${this.#name}:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Forgets what was asked and how to answer it; images stay. */
  reset(): void {
    this.requests.length = 0;
    this.handler = () => undefined;
  }

  /** Puts an image in place under NAME:TAG and under its digest. */
  add(name: string, tag: string, layers: readonly StubLayer[], change: ImageChange = {}): StubImage {
    const raw = layers.map(({ tar, blob }) => ({ blob: blob ?? gzipSync(tar), diffId: digestOf(tar) }));
    return this.addRaw(name, tag, raw, change);
  }

  /** The same with layers that are known by their diffID only. */
  addRaw(
    name: string,
    tag: string,
    layers: readonly { readonly blob: Buffer; readonly diffId: string }[],
    change: ImageChange = {},
  ): StubImage {
    const stored = layers.map(({ blob }) => blob);
    const config = JSON.stringify({
      architecture: change.architecture ?? (process.arch === "x64" ? "amd64" : process.arch),
      os: "linux",
      config: { Cmd: ["/bin/sh"], Env: ["PATH=/bin"], ...change.config },
      rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
      history: [],
    });
    const descriptor = (mediaType: string, data: string | Buffer) => ({
      mediaType,
      digest: digestOf(data),
      size: Buffer.byteLength(data),
    });
    const document = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: descriptor("application/vnd.oci.image.config.v1+json", config),
      layers: stored.map((layer) => descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)),
      ...change.manifest,
    };
    const manifest = JSON.stringify(document);
    for (const blob of [Buffer.from(config), ...stored]) this.blobs.set(digestOf(blob), blob);
    this.put(name, tag, manifest, OCI_MANIFEST);
    return { manifest, config, layers: stored };
  }

  put(name: string, tag: string, document: string, type: string): void {
    const entry = { bytes: Buffer.from(document), type };
    this.manifests.set(`${name}:${tag}`, entry);
    this.manifests.set(`${name}:${digestOf(document)}`, entry);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "", headers } = request;
    this.requests.push({ method, url, headers });
    if (this.handler(request, response) === true) return;
    const [, name = "", kind, reference = ""] =
      /^\/v2\/(.+)\/(manifests|blobs)\/([^/?]+)$/.exec(decodeURIComponent(url)) ?? [];
    if (url === "/v2/") return void response.writeHead(200).end("{}");
    if (kind === "manifests") this.#manifest(response, this.manifests.get(`${name}:${reference}`));
    else if (kind === "blobs") sendBlob(request, response, this.blobs.get(reference));
    else response.writeHead(404).end();
  }

  #manifest(response: ServerResponse, found: { bytes: Buffer; type: string } | undefined): void {
    if (found === undefined) return void refuse(response, 404, "MANIFEST_UNKNOWN", "manifest unknown");
    response.writeHead(200, { "Content-Type": found.type, "Content-Length": found.bytes.length });
    response.end(found.bytes);
  }
}

export interface ImageChange {
  readonly architecture?: string;
  /** Fields of the config's `config`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Fields of the manifest that are other than they should be. */
  readonly manifest?: Readonly<Record<string, unknown>>;
}

/** A refusal in the specification's form. */
export function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

/** A blob, or the part of it that is asked for. */
export function sendBlob(request: IncomingMessage, response: ServerResponse, blob: Buffer | undefined): void {
  if (blob === undefined) return void refuse(response, 404, "BLOB_UNKNOWN", "blob unknown");
  const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? Number.NaN);
  if (Number.isNaN(start)) return void response.writeHead(200, { "Content-Length": blob.length }).end(blob);
  const rest = blob.subarray(start);
  response.writeHead(206, {
    "Content-Length": rest.length,
    "Content-Range": `bytes ${start}-${blob.length - 1}/${blob.length}`,
  });
  response.end(rest);
}

/** Promises a whole blob and breaks the connection after so many bytes of it. */
export function cutBlob(
  request: IncomingMessage,
  response: ServerResponse,
  blob: Buffer,
  bytes: number,
): void {
  const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const rest = blob.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, {
    "Content-Length": rest.length,
    ...(start > 0 ? { "Content-Range": `bytes ${start}-${blob.length - 1}/${blob.length}` } : {}),
  });
  response.write(rest.subarray(0, bytes));
  setTimeout(() => response.destroy(), 20);
}
