/** What of an image is to be unpacked, and how it is shared out among jobs. */
import { chmodSync, mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { randomHex } from "../base/index.ts";
import { ensureDir, layersDir, type Paths } from "../host/index.ts";
import type { Context } from "../state/index.ts";
import { BlobStore } from "./blobs.ts";
import type { RunInside } from "./jobs.ts";
import type { LayerSource } from "./layers.ts";
import { storeLockPath } from "./store-lock.ts";
import type { UnpackedLayer, UnpackRequest } from "./unpack-job.ts";

/** Below this much a second process costs more than it saves. */
const PARALLEL_BYTES = 48 << 20;

/** A layer of the image to be unpacked. */
export interface Work {
  readonly position: number;
  readonly request: UnpackRequest;
}

/** With a directory of its own, which is the caller's to remove or to rename. */
export function makeRequest(paths: Paths, source: LayerSource): UnpackRequest {
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
export async function unpackAll(
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
