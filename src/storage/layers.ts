/**
 * Unpacked layers: from a layer's bytes somewhere on disk to a recorded directory `layers/ROW`.
 * The caller holds the store's lock shared from before the first call until its image is recorded.
 */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { log, randomHex } from "../base/index.ts";
import { ensureDir, layersDir, type Paths } from "../host/index.ts";
import { chainIds, type Digest, type LayerCompression } from "../oci/index.ts";
import type { Context, LayerRecord } from "../state/index.ts";
import { BlobStore } from "./blobs.ts";
import type { RunInside } from "./jobs.ts";
import { layerDir, recordingPath } from "./layer-place.ts";
import type { FileRange } from "./source.ts";
import { storeLockPath } from "./store-lock.ts";
import type { UnpackedLayer, UnpackRequest } from "./unpack-job.ts";
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

/** Below this much a second process costs more than it saves. */
const PARALLEL_BYTES = 48 << 20;

interface Work {
  readonly position: number;
  readonly request: UnpackRequest;
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

function makeRequest(paths: Paths, source: LayerSource): UnpackRequest {
  const parent = layersDir(paths);
  ensureDir(parent);
  // In the same directory as its final place: moving a directory elsewhere needs write permission for itself.
  const dir = join(parent, `.new-${randomHex(6)}`);
  mkdirSync(dir);
  // Of an image that does not say otherwise, as podman has it; layers above take over their parent's.
  chmodSync(dir, 0o555);
  return {
    source: source.file,
    ...(source.compression === undefined ? {} : { compression: source.compression }),
    verified: source.verified !== undefined,
    dir,
    recording: `${dir}.rec`,
    blobOut: new BlobStore(paths).temporary("layer"),
    ...(source.blob === undefined ? {} : { blob: source.blob }),
    ...(source.diffId === undefined ? {} : { diffId: source.diffId }),
    maxUnpacked: maxUnpacked(source),
    name: source.name,
  };
}

/** Honest layers compress at most some 20 times; a bomb a thousand times and more. */
function maxUnpacked(source: LayerSource): number {
  return source.compression === "none" ? source.file.size : Math.max(4 * 2 ** 30, source.file.size * 200);
}

/** Spreads the layers over as many jobs as pay, the largest first. */
async function unpackAll(
  ctx: Context,
  run: RunInside,
  work: readonly Work[],
): Promise<Map<number, UnpackedLayer>> {
  const results = new Map<number, UnpackedLayer>();
  if (work.length === 0) return results;
  const total = work.reduce((sum, { request }) => sum + request.source.size, 0);
  const jobs = Math.max(1, Math.min(availableParallelism(), work.length, Math.floor(total / PARALLEL_BYTES)));
  const shares: { bytes: number; work: Work[] }[] = Array.from({ length: jobs }, () => ({
    bytes: 0,
    work: [],
  }));
  for (const item of [...work].sort((a, b) => b.request.source.size - a.request.source.size)) {
    const least = shares.reduce((best, share) => (share.bytes < best.bytes ? share : best));
    least.work.push(item);
    least.bytes += item.request.source.size;
  }
  const lock = storeLockPath(ctx.paths);
  const done = await Promise.allSettled(
    shares.map(async (share) => {
      const outputs = await run("unpack-layers", { lock, layers: share.work.map(({ request }) => request) });
      for (const [index, output] of outputs.entries()) results.set(share.work[index]!.position, output);
    }),
  );
  for (const result of done) if (result.status === "rejected") throw result.reason;
  return results;
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
