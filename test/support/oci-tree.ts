/** What an OCI archive says: the image's configuration, and the files its layers come to. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";

export interface OciImage {
  readonly config: Readonly<Record<string, unknown>>;
  readonly history: readonly string[];
  /** Type, mode, owner, and link target or digest, by path. */
  readonly files: ReadonlyMap<string, string>;
}

interface Json {
  readonly [name: string]: unknown;
}

/** @param directory an unpacked OCI archive */
export async function readOciImage(directory: string): Promise<OciImage> {
  const blob = (digest: string) => readFileSync(join(directory, "blobs/sha256", digest.slice(7)));
  const json = <T>(bytes: Buffer) => JSON.parse(bytes.toString()) as T;
  const index = json<{ manifests: { digest: string }[] }>(readFileSync(join(directory, "index.json")));
  const manifest = json<{ config: { digest: string }; layers: { digest: string }[] }>(
    blob(index.manifests[0]?.digest ?? ""),
  );
  const document = json<{ config: Json; history?: { created_by?: string }[] }>(blob(manifest.config.digest));
  const files = new Map<string, string>();
  for (const { digest } of manifest.layers) await applyLayer(files, blob(digest));
  return {
    config: document.config,
    history: (document.history ?? []).map((one) => one.created_by ?? ""),
    files,
  };
}

async function applyLayer(files: Map<string, string>, bytes: Buffer): Promise<void> {
  const plain = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
  const parser = extract();
  const added = new Map<string, string>();
  const removed: string[] = [];
  parser.on("entry", (header, stream, next) => {
    const hash = createHash("sha256");
    stream.on("data", (chunk: unknown) => void hash.update(chunk as Buffer));
    stream.on("end", () => {
      const path = header.name.replace(/^\.?\/+/, "").replace(/\/+$/, "");
      const slash = path.lastIndexOf("/");
      const [parent, base] = [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)];
      if (base === ".wh..wh..opq") removed.push(`${parent}/`);
      else if (base.startsWith(".wh."))
        removed.push(parent === "" ? base.slice(4) : `${parent}/${base.slice(4)}`);
      else if (path !== "" && path !== ".")
        added.set(path, describe(header, hash.digest("hex"), added, files));
      next();
    });
  });
  const done = new Promise<void>((resolve, reject) => parser.on("finish", resolve).on("error", reject));
  Readable.from([plain]).pipe(parser);
  await done;
  for (const path of removed) remove(files, path);
  for (const [path, looks] of added) {
    if (!looks.startsWith("directory")) remove(files, path);
    files.set(path, looks);
  }
}

/** A hard link looks as what it is a name of. */
function describe(
  header: { type?: string | null; mode?: number; uid?: number; gid?: number; linkname?: string | null },
  digest: string,
  added: ReadonlyMap<string, string>,
  files: ReadonlyMap<string, string>,
): string {
  const target = (header.linkname ?? "").replace(/^\.?\/+/, "");
  if (header.type === "link") return added.get(target) ?? files.get(target) ?? `link ${target}`;
  const mode = header.type === "symlink" ? "" : ((header.mode ?? 0) & 0o7777).toString(8);
  const what = header.type === "symlink" ? header.linkname : header.type === "file" ? digest : "";
  return `${header.type} ${mode} ${header.uid}:${header.gid} ${what}`;
}

/** With a slash at the end: only what is in it. */
function remove(files: Map<string, string>, path: string): void {
  const prefix = path.endsWith("/") ? path : `${path}/`;
  files.delete(path);
  for (const known of [...files.keys()]) if (known.startsWith(prefix)) files.delete(known);
}
