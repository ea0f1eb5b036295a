/** The layers of an image as files: in the form the manifest names, or uncompressed. */
import { existsSync, rmSync, statSync } from "node:fs";
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
} from "../storage/index.ts";
import { compressionOf } from "./encode-manifest.ts";
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
  const made = await plainLayers(
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

export function dropTemporary(files: readonly Pick<LayerFile, "path" | "temporary">[]): void {
  for (const file of files) if (file.temporary) rmSync(file.path, { force: true });
}

/** The same as a plain tar, verified; the file itself if it is one. */
export async function plainFile(ctx: Context, file: LayerFile, diffId: Digest): Promise<LayerFile> {
  const compression = compressionOf(file);
  if (compression === "none") return file;
  const range = openRange({ path: file.path, offset: 0, size: file.size });
  const writer = new BlobStore(ctx.paths).begin();
  try {
    for await (const piece of decompress(readRange(range, true), compression)) writer.write(piece);
    const { path, size, digest } = writer.finish();
    if (digest !== diffId) throw damaged(diffId, file.digest);
    return { path, size, digest, temporary: true };
  } catch (error) {
    writer.abort();
    throw error;
  } finally {
    closeRange(range);
  }
}

function damaged(diffId: Digest, blob: Digest): StorageError {
  return new StorageError(
    "layer-damaged",
    `cannot write out layer ${diffId}: its blob ${blob} has changed on disk`,
    { hint: "`kelp system check --repair` mends what can be mended" },
  );
}

/** Plain layers written out to temporary files by digest: from their recordings, or from a compressed form that is kept. */
export async function plainLayers(
  ctx: Context,
  wanted: readonly { readonly row: number; readonly digest: Digest }[],
): Promise<Map<Digest, string>> {
  const made = new Map<Digest, string>();
  const unique = [...new Map(wanted.map((item) => [item.digest, item])).values()];
  const recorded = unique.filter(({ row }) => existsSync(recordingPath(ctx.paths, row)));
  try {
    await assemble(ctx, recorded, made);
    for (const { row, digest } of unique) {
      if (made.has(digest)) continue;
      const { path } = await plainFile(ctx, compressedFile(ctx, row, digest), digest);
      made.set(digest, path);
    }
    return made;
  } catch (error) {
    for (const path of made.values()) rmSync(path, { force: true });
    throw error;
  }
}

/** The form another image brought the layer in. */
function compressedFile(ctx: Context, row: number, plain: Digest): LayerFile {
  const store = new BlobStore(ctx.paths);
  const digest = requireLayer(ctx, row).blob as Digest | undefined;
  const size = digest === undefined || digest === plain ? undefined : store.size(digest);
  if (digest === undefined || size === undefined)
    throw new StorageError(
      "layer-missing",
      `cannot write out layer ${plain}: what is kept of it is missing`,
      {
        hint: "`kelp system check --repair` mends what can be mended",
      },
    );
  return { path: store.path(digest), size, digest, temporary: false };
}

async function assemble(
  ctx: Context,
  layers: readonly { readonly row: number; readonly digest: Digest }[],
  made: Map<Digest, string>,
): Promise<void> {
  if (layers.length === 0) return;
  const store = new BlobStore(ctx.paths);
  for (const { digest } of layers) made.set(digest, store.temporary("assembled"));
  await jobRunner(ctx)("assemble-layers", {
    layers: layers.map(({ row, digest }) => ({
      dir: layerDir(ctx.paths, row),
      recording: recordingPath(ctx.paths, row),
      out: made.get(digest) as string,
      diffId: digest,
    })),
  });
}
