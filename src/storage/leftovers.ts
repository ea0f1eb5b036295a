/** What lies in the store and belongs to nobody: listed for `system check`. The sweep removes it. */
import { join } from "node:path";
import { layersDir, tempDir } from "../host/index.ts";
import type { Digest } from "../oci/index.ts";
import type { Context, LayerRecord } from "../state/index.ts";
import { BlobStore } from "./blobs.ts";
import { listDirectory } from "./list-directory.ts";
import { mappedRow } from "./mapped.ts";
import { strayContainers } from "./stray-containers.ts";
import { isAbandoned, usedBlobs } from "./sweep.ts";

export interface Leftovers {
  /** Names in layers/ that no record has. */
  readonly layers: readonly string[];
  /** Recorded layers of no image. */
  readonly unused: readonly LayerRecord[];
  readonly blobs: readonly Digest[];
  /** IDs of directories without a container. */
  readonly containers: readonly string[];
  readonly temporary: readonly string[];
}

export function findLeftovers(ctx: Context): Leftovers {
  const rows = new Set(ctx.state.layers.list().map(({ row }) => String(row)));
  const store = new BlobStore(ctx.paths);
  const used = usedBlobs(ctx, store);
  return {
    layers: listDirectory(layersDir(ctx.paths)).filter(
      (name) => name !== "empty" && !rows.has(mappedRow(name) ?? name.replace(/\.rec$/, "")),
    ),
    unused: ctx.state.layers.unused(),
    blobs: store.list().filter((digest) => !used.has(digest)),
    containers: strayContainers(ctx),
    temporary: listDirectory(tempDir(ctx.paths)).filter((name) =>
      isAbandoned(join(tempDir(ctx.paths), name)),
    ),
  };
}
