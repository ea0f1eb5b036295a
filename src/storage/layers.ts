/**
 * Unpacked layers: from a layer's bytes somewhere on disk to a recorded directory `layers/ROW`.
 * The caller holds the store's lock shared from before the first call until its image is recorded.
 */
import { existsSync, renameSync, rmSync } from "node:fs";
import { log } from "../base/index.ts";
import { chainIds, type Digest, type LayerCompression } from "../oci/index.ts";
import type { Context, LayerRecord } from "../state/index.ts";
import { BlobStore } from "./blobs.ts";
import type { RunInside } from "./jobs.ts";
import { layerDir, recordingPath } from "./layer-place.ts";
import type { FileRange } from "./source.ts";
import type { UnpackedLayer, UnpackRequest } from "./unpack-job.ts";
import { makeRequest, unpackAll, type Work } from "./unpack-plan.ts";
import { verifyLayer } from "./verify-layer.ts";

/** A layer that may have to be unpacked. */
export interface LayerSource {
  readonly file: FileRange;
  /** Absent: what the first bytes say. */
  readonly compression?: LayerCompression;
  /**
   * `file` is a copy that storage may keep, and its bytes are verified by the time this resolves:
   * nothing of the layer is recorded before. Together with `blob`.
   */
  readonly verified?: Promise<void>;
  /** Digest of the bytes in `file`, if an image promises one. */
  readonly blob?: Digest;
  /** Digest of the plain tar, if an image promises one. */
  readonly diffId?: Digest;
  /** For messages. */
  readonly name: string;
}

export interface StoredLayer {
  readonly record: LayerRecord;
  readonly diffId: Digest;
  /** What a manifest says of it: the blob as it is kept, or as it can be written out again. */
  readonly blob: Digest;
  readonly blobSize: number;
  readonly compression: LayerCompression;
  readonly ownersDropped: boolean;
}

/**
 * Makes sure the layers of one image, lowest first, are unpacked and recorded. What is there
 * already is checked against the digests and not unpacked again. On failure nothing new remains.
 *
 * @throws {StorageError} `digest-mismatch`, `archive-invalid`, `disk-full`, …
 */
export async function storeLayers(
  ctx: Context,
  run: RunInside,
  sources: readonly LayerSource[],
): Promise<StoredLayer[]> {
  const present = knownLayers(ctx, sources);
  const work = sources.flatMap((source, position) =>
    present[position] === undefined ? [{ position, request: makeRequest(ctx.paths, source) }] : [],
  );
  for (const [position, record] of present.entries()) {
    if (record !== undefined) await verifyLayer(ctx, sources[position] as LayerSource, record);
  }
  try {
    const unpacked = await unpackAll(ctx, run, work);
    await Promise.all(sources.map((source) => source.verified));
    await adoptParents(ctx, run, present, work, unpacked);
    return publish(ctx, sources, present, work, unpacked);
  } finally {
    await discard(run, work);
  }
}

/** For each layer its record, if its whole chain is known and its directory is there. */
function knownLayers(ctx: Context, sources: readonly LayerSource[]): (LayerRecord | undefined)[] {
  const diffIds = sources.map((source) => source.diffId);
  const complete = diffIds.indexOf(undefined);
  const chain = chainIds((complete < 0 ? diffIds : diffIds.slice(0, complete)) as Digest[]);
  return sources.map((_, position) => {
    const chainId = chain[position];
    const record = chainId === undefined ? undefined : ctx.state.layers.byChainId(chainId);
    return record !== undefined && existsSync(layerDir(ctx.paths, record.row)) ? record : undefined;
  });
}

/** True if the layer is unpacked and what it came as can be given again. */
export function layerPresent(ctx: Context, chainId: Digest, blob: { digest: Digest; size: number }): boolean {
  const record = ctx.state.layers.byChainId(chainId);
  if (record === undefined || !existsSync(layerDir(ctx.paths, record.row))) return false;
  if (blob.digest === record.diffId && existsSync(recordingPath(ctx.paths, record.row))) return true;
  return record.blob === blob.digest && new BlobStore(ctx.paths).size(blob.digest) === blob.size;
}

/** Directories an archive left out look as in the layers below; only possible once those are all there. */
async function adoptParents(
  ctx: Context,
  run: RunInside,
  present: readonly (LayerRecord | undefined)[],
  work: readonly Work[],
  unpacked: ReadonlyMap<number, UnpackedLayer>,
): Promise<void> {
  const dirs = present.map((record, position) =>
    record === undefined
      ? work.find((item) => item.position === position)!.request.dir
      : layerDir(ctx.paths, record.row),
  );
  const layers = [...unpacked]
    .filter(([position, layer]) => position > 0 && layer.implied.length > 0)
    .sort(([a], [b]) => a - b)
    .map(([position, { implied }]) => ({
      dir: dirs[position] as string,
      implied,
      lower: dirs.slice(0, position).reverse(),
    }));
  if (layers.length > 0) await run("adopt-parents", { layers });
}

/** Blobs first, then rows and directories in one transaction each. */
function publish(
  ctx: Context,
  sources: readonly LayerSource[],
  present: readonly (LayerRecord | undefined)[],
  work: readonly Work[],
  unpacked: ReadonlyMap<number, UnpackedLayer>,
): StoredLayer[] {
  const blobs = new BlobStore(ctx.paths);
  for (const { position, request } of work) {
    const layer = unpacked.get(position)!;
    if (layer.kept === "blob")
      blobs.adopt(request.verified === true ? request.source.path : request.blobOut, layer.blob);
  }
  blobs.sync();
  const diffIds = sources.map(
    (source, position) => unpacked.get(position)?.diffId ?? (source.diffId as Digest),
  );
  const chain = chainIds(diffIds);
  const stored: StoredLayer[] = [];
  for (const [position, source] of sources.entries()) {
    const layer = unpacked.get(position);
    const record =
      present[position] ??
      recordLayer(ctx, work.find((item) => item.position === position)!.request, layer!, {
        chainId: chain[position] as Digest,
        parent: stored.at(-1)?.record.row,
      });
    stored.push({
      record,
      diffId: diffIds[position] as Digest,
      blob: layer?.blob ?? source.blob ?? (diffIds[position] as Digest),
      blobSize: source.file.size,
      compression: layer?.compression ?? source.compression ?? "none",
      ownersDropped: layer?.ownersDropped ?? false,
    });
  }
  return stored;
}

function recordLayer(
  ctx: Context,
  request: UnpackRequest,
  layer: UnpackedLayer,
  place: { chainId: Digest; parent: number | undefined },
): LayerRecord {
  const values = {
    diffId: layer.diffId,
    chainId: place.chainId,
    blob: layer.blob,
    size: layer.size,
    ...(place.parent === undefined ? {} : { parent: place.parent }),
  };
  const record = ctx.state.layers.create(values, (row) => {
    // The directory first: if it is refused, this is called again with another number.
    renameSync(request.dir, layerDir(ctx.paths, row));
    if (layer.kept === "recording") renameSync(request.recording, recordingPath(ctx.paths, row));
  });
  if (existsSync(layerDir(ctx.paths, record.row))) return record;
  // A row without its directory: a damaged store. The fresh copy takes the place.
  if (layer.kept === "recording") renameSync(request.recording, recordingPath(ctx.paths, record.row));
  renameSync(request.dir, layerDir(ctx.paths, record.row));
  return record;
}

/** Removes whatever of the work was not published. What cannot be removed now is left for the sweep. */
async function discard(run: RunInside, work: readonly Work[]): Promise<void> {
  for (const { request } of work) {
    rmSync(request.recording, { force: true });
    rmSync(request.blobOut, { force: true });
  }
  const paths = work.map(({ request }) => request.dir).filter((dir) => existsSync(dir));
  if (paths.length === 0) return;
  try {
    await run("remove-trees", { paths });
  } catch (error) {
    log.debug("cannot remove half-made layers", { error: String(error) });
  }
}
