/** The layers of an image as files: in the form the manifest names, or uncompressed. */
import { rmSync, statSync } from "node:fs";
import { StorageError } from "../base/index.ts";
import type { Descriptor, Digest, Manifest } from "../oci/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import {
  BlobStore,
  closeRange,
  decompress,
  layerDir,
  openRange,
  readRange,
  recordingPath,
  requireLayer,
  sniffCompression,
} from "../storage/index.ts";
import { jobRunner } from "./inside.ts";

/** A file to read; `temporary` ones are the caller's to remove. */
export interface LayerFile {
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
  readonly temporary: boolean;
}

/** The layers exactly as the manifest promises them; those kept as recordings are written out again. */
export async function layersAsStored(
  ctx: Context,
  image: ImageRecord,
  manifest: Manifest,
): Promise<LayerFile[]> {
  const store = new BlobStore(ctx.paths);
  const made = await assemble(
    ctx,
    image.layers.flatMap((row, index) => {
      const { digest } = manifest.layers[index] as Descriptor;
      return store.has(digest) ? [] : [{ row, digest }];
    }),
  );
  return manifest.layers.map(({ digest }) => {
    const path = made.get(digest);
    if (path !== undefined) return { path, size: statSync(path).size, digest, temporary: true };
    return { path: store.path(digest), size: store.size(digest) ?? 0, digest, temporary: false };
  });
}

/** The layers as plain tars, verified against their diffIDs. */
export async function layersPlain(
  ctx: Context,
  image: ImageRecord,
  manifest: Manifest,
): Promise<LayerFile[]> {
  const stored = await layersAsStored(ctx, image, manifest);
  const plain: LayerFile[] = [];
  try {
    for (const [index, file] of stored.entries()) {
      plain.push(
        await plainFile(ctx, file, requireLayer(ctx, image.layers[index] as number).diffId as Digest),
      );
    }
    return plain;
  } catch (error) {
    dropTemporary([...plain, ...stored]);
    throw error;
  }
}

export function dropTemporary(files: readonly LayerFile[]): void {
  for (const file of files) if (file.temporary) rmSync(file.path, { force: true });
}

async function plainFile(ctx: Context, file: LayerFile, diffId: Digest): Promise<LayerFile> {
  const range = openRange({ path: file.path, offset: 0, size: file.size });
  const writer = new BlobStore(ctx.paths).begin();
  try {
    const head = Buffer.concat([...readRange({ ...range, size: Math.min(6, file.size) }, true)]);
    const compression = sniffCompression(head);
    if (compression !== "gzip" && compression !== "zstd") {
      writer.abort();
      return file;
    }
    for await (const piece of decompress(readRange(range, true), compression)) writer.write(piece);
    const { path, size, digest } = writer.finish();
    if (digest !== diffId)
      throw new StorageError(
        "layer-damaged",
        `cannot write out layer ${diffId}: its blob ${file.digest} has changed on disk`,
      );
    return { path, size, digest, temporary: true };
  } catch (error) {
    writer.abort();
    throw error;
  } finally {
    closeRange(range);
  }
}

async function assemble(
  ctx: Context,
  wanted: readonly { row: number; digest: Digest }[],
): Promise<Map<Digest, string>> {
  const made = new Map<Digest, string>();
  if (wanted.length === 0) return made;
  const store = new BlobStore(ctx.paths);
  for (const { digest } of wanted) made.set(digest, store.temporary("assembled"));
  const unique = [...new Map(wanted.map((item) => [item.digest, item])).values()];
  try {
    await jobRunner(ctx)("assemble-layers", {
      layers: unique.map(({ row, digest }) => ({
        dir: layerDir(ctx.paths, row),
        recording: recordingPath(ctx.paths, row),
        out: made.get(digest) as string,
        diffId: digest,
      })),
    });
    return made;
  } catch (error) {
    for (const path of made.values()) rmSync(path, { force: true });
    throw error;
  }
}
