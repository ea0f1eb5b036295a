/** Whether an unpacked layer is what its image promises, and putting it right from what is kept of it. */
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { KelpError, randomHex } from "../base/index.ts";
import { layersDir } from "../host/index.ts";
import type { Digest } from "../oci/index.ts";
import type { Context, LayerRecord } from "../state/index.ts";
import { BlobStore } from "./blobs.ts";
import type { RunInside } from "./jobs.ts";
import { layerDir, recordingPath } from "./layer-place.ts";
import { storeLockPath } from "./store-lock.ts";

export interface LayerCheck {
  /** Also compare every file. */
  readonly content: boolean;
  /** Replace it by what is kept, if that is whole. */
  readonly repair: boolean;
  /** Directories of the layers below, topmost first. */
  readonly lower: readonly string[];
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
  const blobs = new BlobStore(ctx.paths);
  const dir = layerDir(ctx.paths, record.row);
  const present = existsSync(dir);
  const blob =
    record.blob === undefined || !blobs.has(record.blob as Digest) ? undefined : (record.blob as Digest);
  const recorded = existsSync(recordingPath(ctx.paths, record.row));
  if (!present && blob === undefined) return { problem: "image layer is missing", repaired: false };
  if (blob === undefined && !recorded) return { problem: "layer data item is missing", repaired: false };
  if (present && !options.content) return undefined;
  return examine(ctx, run, record, { ...options, blob });
}

async function examine(
  ctx: Context,
  run: RunInside,
  record: LayerRecord,
  options: LayerCheck & { readonly blob: Digest | undefined },
): Promise<LayerFinding | undefined> {
  const blobs = new BlobStore(ctx.paths);
  const dir = layerDir(ctx.paths, record.row);
  const fresh = join(layersDir(ctx.paths), `.new-${randomHex(6)}`);
  const assembled = blobs.temporary("assembled");
  const scratch = [blobs.temporary("layer"), `${fresh}.rec`, assembled] as const;
  try {
    const source = options.blob === undefined ? assembled : blobs.path(options.blob);
    if (options.blob === undefined) await assemble(ctx, run, record, assembled);
    const { implied } = await unpack(ctx, run, record, { source, fresh, blob: options.blob, scratch });
    if (options.lower.length > 0 && implied.length > 0)
      await run("adopt-parents", { layers: [{ dir: fresh, implied, lower: options.lower }] });
    const difference = existsSync(dir)
      ? await run("compare-trees", { found: dir, expected: fresh, implied })
      : "image layer is missing";
    if (difference === null) return undefined;
    if (options.repair) replace(dir, fresh);
    return {
      problem: existsSync(dir) ? `content modified: ${difference}` : difference,
      repaired: options.repair,
    };
  } catch (error) {
    if (!(error instanceof KelpError) || !DAMAGE.has(error.code)) throw error;
    return { problem: `checksum failed: ${(error as Error).message}`, repaired: false };
  } finally {
    for (const path of scratch) rmSync(path, { force: true });
    if (existsSync(fresh)) await run("remove-trees", { paths: [fresh] });
  }
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
  place: {
    source: string;
    fresh: string;
    blob: Digest | undefined;
    scratch: readonly [string, string, string];
  },
) {
  mkdirSync(place.fresh, 0o755);
  const { size } = statSync(place.source);
  const [layer] = await run("unpack-layers", {
    lock: storeLockPath(ctx.paths),
    layers: [
      {
        source: { path: place.source, offset: 0, size },
        dir: place.fresh,
        recording: place.scratch[1],
        blobOut: place.scratch[0],
        ...(place.blob === undefined ? {} : { blob: place.blob }),
        diffId: record.diffId as Digest,
        maxUnpacked: Number.MAX_SAFE_INTEGER,
        name: `layer ${record.diffId}`,
      },
    ],
  });
  return layer!;
}

/** Afterwards the damaged directory lies where the fresh one was, to be removed with it: no container runs on it. */
function replace(dir: string, fresh: string): void {
  const aside = `${fresh}.old`;
  const there = existsSync(dir);
  if (there) renameSync(dir, aside);
  renameSync(fresh, dir);
  if (there) renameSync(aside, fresh);
}
