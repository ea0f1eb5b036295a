/** The image of a finished stage. */
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import {
  recordImage,
  type StoredImage,
  storedLayerSources,
  storeImage,
  tryFindImage,
} from "../image/index.ts";
import type { Digest, HistoryEntry } from "../oci/index.ts";
import { runInside } from "../runtime/index.ts";
import { BlobStore, layerDir, rootfsIn } from "../storage/index.ts";
import type { Session } from "./session.ts";
import type { StageState } from "./stage-state.ts";

/**
 * Records the image under its names. Two builds of the same steps are the same image: what has no time of its own gets
 * the time at which just this image was first made.
 */
export async function finishImage(session: Session, state: StageState): Promise<StoredImage> {
  applyRequest(session, state);
  const { squash, tags, docker, annotations } = session.request;
  const base = squash === "all" ? 0 : state.base.layers;
  if (squash !== "no" && state.layers.length > base + (squash === "all" ? 1 : 0))
    return finishSquashed(session, state, base);
  const diffIds = state.layers.map((layer) => layer.diffId);
  const bytes = configBytes(session, state, diffIds, state.history);
  return recordImage(session.ctx, { names: tags, docker, annotations }, bytes, state.layers);
}

/** What the command line adds to every image. */
function applyRequest({ request }: Session, state: StageState): void {
  if (Object.keys(request.labels).length > 0)
    state.config.Labels = { ...state.config.Labels, ...request.labels };
  const added = new Map(request.env.map((entry) => [entry.slice(0, entry.indexOf("=")), entry]));
  const kept = (state.config.Env ?? []).filter((entry) => !added.has(entry.slice(0, entry.indexOf("="))));
  if (added.size > 0) state.config.Env = [...kept, ...added.values()];
}

function configBytes(
  session: Session,
  state: StageState,
  diffIds: readonly Digest[],
  steps: readonly HistoryEntry[],
): Buffer {
  const { timestamp, docker, annotations } = session.request;
  const { Healthcheck: health, ...plain } = state.config;
  const document = {
    ...(state.author === undefined ? {} : { author: state.author }),
    architecture: state.architecture,
    os: state.os,
    ...(state.variant === undefined ? {} : { variant: state.variant }),
    // The OCI format has no field for it.
    config: docker && health !== undefined ? state.config : plain,
    rootfs: { type: "layers", diff_ids: diffIds },
  };
  const created = imageTime(session, [document, steps, annotations]);
  const history: HistoryEntry[] = steps.map((entry) => {
    const own = timestamp === undefined || state.baseHistory.includes(entry) ? entry.created : undefined;
    return { ...entry, created: own ?? created };
  });
  return Buffer.from(JSON.stringify({ created, ...document, history }));
}

function imageTime(session: Session, depends: readonly unknown[]): string {
  const { timestamp } = session.request;
  const time =
    timestamp === undefined ? session.firstMade(session.key("image", depends), "image") : timestamp * 1000;
  return new Date(time).toISOString();
}

/** One layer instead of all above the first `base`: the difference between what is seen with and without them. */
async function finishSquashed(session: Session, state: StageState, base: number): Promise<StoredImage> {
  const { ctx, request } = session;
  const path = new BlobStore(ctx.paths).temporary("layer");
  try {
    await writeDifference(session, state, base, path);
    const layer = {
      file: { path, offset: 0, size: statSync(path).size },
      compression: "none" as const,
      name: "the layer of all steps",
    };
    const image =
      base === 0 || state.base.image === undefined ? undefined : tryFindImage(ctx, state.base.image)?.record;
    const below = image === undefined ? [] : storedLayerSources(ctx, image);
    return await storeImage(ctx, {
      config: (diffIds) => configBytes(session, state, diffIds, squashedHistory(state, base)),
      layers: [...below, layer],
      names: request.tags,
      docker: request.docker,
      annotations: request.annotations,
    });
  } finally {
    rmSync(path, { force: true });
  }
}

function writeDifference(session: Session, state: StageState, base: number, path: string): Promise<unknown> {
  const { ctx, driver, run } = session;
  const rows = state.layers.map((layer) => layer.record.row);
  return session.scratch(async (dir) => {
    const rootfs = await rootfsIn(ctx, driver, rows, dir, run);
    const fd = openSync(path, "wx", 0o600);
    try {
      const lower = rows
        .slice(0, base)
        .toReversed()
        .map((row) => layerDir(ctx.paths, row));
      const input = {
        path: rootfs.merged,
        fd: 3,
        layer: { lower, whole: true, mountPoints: [] },
        name: "the layer of all steps",
      };
      await runInside(ctx, "archive-tree", input, { fds: [fd], views: [{ rootfs, writable: false }] });
    } finally {
      closeSync(fd);
    }
  });
}

/** Every step is still told; the layer belongs to the last one. */
function squashedHistory(state: StageState, base: number): HistoryEntry[] {
  const kept = base === 0 ? [] : state.baseHistory;
  const steps = state.history.filter((entry) => !kept.includes(entry));
  return [
    ...kept,
    ...steps.map(({ created_by, author, comment }, index) => ({
      ...(created_by === undefined ? {} : { created_by }),
      ...(author === undefined ? {} : { author }),
      ...(comment === undefined ? {} : { comment }),
      ...(index === steps.length - 1 ? {} : { empty_layer: true }),
    })),
  ];
}
