/** Whether an unpacked layer is what its image promises, and putting it right from what is kept of it. */
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { KelpError, randomHex } from "../base/index.ts";
import { layersDir } from "../host/index.ts";
import type { Digest } from "../oci/index.ts";
import type { Context, LayerRecord } from "../state/index.ts";
import { BlobStore } from "./blobs.ts";
import type { RunInside } from "./jobs.ts";
import { layerDir, recordingPath } from "./layer-place.ts";
import { mappedRow } from "./mapped.ts";
import { storeLockPath } from "./store-lock.ts";

export interface LayerCheck {
  /** Also compare every file. */
  readonly content: boolean;
  /** Replace it by what is kept, if that is whole. */
  readonly repair: boolean;
  /** Directories of the layers below, topmost first. */
  readonly lower: readonly string[];
  /** A stored form of the layer that was found whole; without one its recording is used. */
  readonly blob: Digest | undefined;
}

export interface LayerFinding {
  readonly problem: string;
  readonly repaired: boolean;
}

/** The caller holds the store's lock shared. */
export async function checkLayer(
  ctx: Context,
  run: RunInside,
  record: LayerRecord,
  options: LayerCheck,
): Promise<LayerFinding | undefined> {
  const present = existsSync(layerDir(ctx.paths, record.row));
  const recorded = existsSync(recordingPath(ctx.paths, record.row));
  if (!present && options.blob === undefined) return { problem: MISSING, repaired: false };
  // Nothing to compare it with: whoever looks at blobs says so.
  if (options.blob === undefined && !recorded) return undefined;
  if (present && !options.content) return undefined;
  return examine(ctx, run, record, options);
}

async function examine(
  ctx: Context,
  run: RunInside,
  record: LayerRecord,
  options: LayerCheck,
): Promise<LayerFinding | undefined> {
  const blobs = new BlobStore(ctx.paths);
  const fresh = join(layersDir(ctx.paths), `.new-${randomHex(6)}`);
  const scratch = [blobs.temporary("layer"), `${fresh}.rec`, blobs.temporary("assembled")] as const;
  try {
    const { implied, kept } = await unpackFresh(ctx, run, record, { ...options, fresh, scratch });
    const dir = layerDir(ctx.paths, record.row);
    const there = existsSync(dir);
    const difference = there ? await run("compare-trees", { found: dir, expected: fresh, implied }) : MISSING;
    const recording = kept === "recording" ? scratch[1] : undefined;
    if (options.repair) await exchange(ctx, run, record, { fresh, recording, same: difference === null });
    if (difference === null) return undefined;
    return { problem: there ? `content modified: ${difference}` : difference, repaired: options.repair };
  } catch (error) {
    if (!(error instanceof KelpError) || !DAMAGE.has(error.code)) throw error;
    return { problem: `checksum failed: ${error.message}`, repaired: false };
  } finally {
    for (const path of scratch) rmSync(path, { force: true });
    if (existsSync(fresh)) await run("remove-trees", { paths: [fresh] });
  }
}

const MISSING = "image layer is missing";

/** The layer as it should be. */
async function unpackFresh(
  ctx: Context,
  run: RunInside,
  record: LayerRecord,
  place: Pick<LayerCheck, "blob" | "lower"> & Fresh,
) {
  const { blob, lower, fresh, scratch } = place;
  const source = blob === undefined ? scratch[2] : new BlobStore(ctx.paths).path(blob);
  if (blob === undefined) await assemble(ctx, run, record, source);
  const layer = await unpack(ctx, run, record, { source, fresh, blob, scratch });
  if (lower.length > 0 && layer.implied.length > 0)
    await run("adopt-parents", { layers: [{ dir: fresh, implied: layer.implied, lower }] });
  return layer;
}

interface Fresh {
  readonly fresh: string;
  /** Of the blob's copy, the recording, and the tar that is written out again. */
  readonly scratch: readonly [string, string, string];
}

async function assemble(
  ctx: Context,
  run: RunInside,
  { row, diffId }: LayerRecord,
  out: string,
): Promise<void> {
  const recording = recordingPath(ctx.paths, row);
  await run("assemble-layers", { layers: [{ dir: layerDir(ctx.paths, row), recording, out, diffId }] });
}

/** Errors of a job arrive by their code. */
const DAMAGE = new Set(["layer-damaged", "digest-mismatch", "archive-invalid", "unpack-failed"]);

async function unpack(
  ctx: Context,
  run: RunInside,
  record: LayerRecord,
  place: Fresh & { readonly source: string; readonly blob: Digest | undefined },
) {
  mkdirSync(place.fresh);
  chmodSync(place.fresh, 0o555);
  const { size } = statSync(place.source);
  const [layer] = await run("unpack-layers", {
    lock: storeLockPath(ctx.paths),
    layers: [
      {
        source: { path: place.source, offset: 0, size },
        dir: place.fresh,
        recording: place.scratch[1],
        blobOut: place.scratch[0],
        ...(place.blob === undefined ? {} : { blob: place.blob, verified: true }),
        diffId: record.diffId as Digest,
        maxUnpacked: Number.MAX_SAFE_INTEGER,
        name: `layer ${record.diffId}`,
      },
    ],
  });
  return layer!;
}

/** Puts the fresh layer in the place of the found one if they differ, or if the found one's recording was lost. */
async function exchange(
  ctx: Context,
  run: RunInside,
  record: LayerRecord,
  { fresh, recording, same }: { fresh: string; recording: string | undefined; same: boolean },
): Promise<void> {
  const place = recordingPath(ctx.paths, record.row);
  if (same && (recording === undefined || existsSync(place))) return;
  replace(layerDir(ctx.paths, record.row), fresh);
  if (recording !== undefined) keepRecording(ctx, record, recording);
  await dropMapped(ctx, run, record.row);
}

/** Afterwards the damaged directory lies where the fresh one was, to be removed with it: no container runs on it. */
function replace(dir: string, fresh: string): void {
  const aside = `${fresh}.old`;
  const there = existsSync(dir);
  if (there) renameSync(dir, aside);
  renameSync(fresh, dir);
  if (there) renameSync(aside, fresh);
}

/** A plain tar that was fetched to mend the layer is not needed beside its recording. */
function keepRecording(ctx: Context, { row, diffId }: LayerRecord, recording: string): void {
  renameSync(recording, recordingPath(ctx.paths, row));
  new BlobStore(ctx.paths).remove(diffId as Digest);
}

/** Copies with other owners were made from the damaged files, of this layer or of layers upon it. */
async function dropMapped(ctx: Context, run: RunInside, row: number): Promise<void> {
  const parent = layersDir(ctx.paths);
  const stale = readdirSync(parent).filter((name) => {
    const mapped = mappedRow(name);
    return mapped !== undefined && isAbove(ctx, Number(mapped), row);
  });
  if (stale.length === 0) return;
  // Renamed first: half-removed it would still be taken for a copy.
  const aside = stale.map((name) => [join(parent, name), join(parent, `.del-${name}`)] as const);
  for (const [path, gone] of aside) renameSync(path, gone);
  await run("remove-trees", { paths: aside.map(([, gone]) => gone) });
}

function isAbove(ctx: Context, row: number, base: number): boolean {
  for (let at: number | undefined = row; at !== undefined; at = ctx.state.layers.get(at)?.parent)
    if (at === base) return true;
  return false;
}
