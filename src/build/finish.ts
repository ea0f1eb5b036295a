/** The image of a finished stage. */
import { rfc3339 } from "../base/index.ts";
import { recordImage, type StoredImage } from "../image/index.ts";
import type { Digest, HistoryEntry } from "../oci/index.ts";
import { runInside } from "../runtime/index.ts";
import { copyToLayer, layerDir, rootfsIn, type StoredLayer } from "../storage/index.ts";
import type { Session } from "./session.ts";
import type { StageState } from "./stage-state.ts";

/**
 * Records the image under its names. Two builds of the same steps are the same image: what has no time of its own gets
 * the time at which just this image was first made.
 */
export async function finishImage(session: Session, state: StageState): Promise<StoredImage> {
  applyRequest(session, state);
  const { squash, docker, annotations } = session.request;
  const tags = imageNames(session);
  const base = squash === "all" ? 0 : state.base.layers;
  if (squash !== "no" && state.layers.length > base + (squash === "all" ? 1 : 0))
    return finishSquashed(session, state, base);
  const diffIds = state.layers.map((layer) => layer.diffId);
  const bytes = configBytes(session, state, diffIds, state.history);
  return recordImage(session.ctx, { names: tags, docker, annotations }, bytes, state.layers);
}

/** Of several platforms' images none has the name: it is the index's. */
function imageNames({ request }: Session): readonly string[] {
  return request.platforms.length > 1 ? [] : request.tags;
}

/** What the command line adds to every image, and takes away. */
function applyRequest({ request }: Session, state: StageState): void {
  const { env, labels } = request.without;
  const isKept = (entry: string) => !env.includes(entry.slice(0, entry.indexOf("=")));
  if (env.length > 0) state.config.Env = (state.config.Env ?? []).filter(isKept);
  if (labels.length > 0)
    state.config.Labels = Object.fromEntries(
      Object.entries(state.config.Labels ?? {}).filter(([name]) => !labels.includes(name)),
    );
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
  const { request } = session;
  const { timestamp, annotations } = request;
  const document = {
    ...(state.author === undefined ? {} : { author: state.author }),
    architecture: state.architecture,
    os: state.os,
    ...(state.variant === undefined ? {} : { variant: state.variant }),
    // Docker's own fields too (HEALTHCHECK, ONBUILD, SHELL), as BuildKit writes them: the OCI format lets readers pass over them.
    config: state.config,
    rootfs: { type: "layers", diff_ids: diffIds },
  };
  const created = imageTime(session, [document, steps, annotations]);
  const history: HistoryEntry[] = steps.map((entry) => {
    const own = timestamp === undefined || state.baseHistory.includes(entry) ? entry.created : undefined;
    return { ...entry, created: own ?? created };
  });
  return Buffer.from(
    JSON.stringify({ created, ...document, ...(request.without.history ? {} : { history }) }),
  );
}

function imageTime(session: Session, depends: readonly unknown[]): string {
  const { timestamp } = session.request;
  const time =
    timestamp === undefined
      ? session.steps.firstMade(session.key("image", depends), "image")
      : timestamp * 1000;
  return rfc3339(time);
}

/** One layer instead of all above the first `base`: the difference between what is seen with and without them. */
async function finishSquashed(session: Session, state: StageState, base: number): Promise<StoredImage> {
  const { docker, annotations } = session.request;
  const tags = imageNames(session);
  const layers = [...state.layers.slice(0, base), await squashedLayer(session, state, base)];
  const diffIds = layers.map(({ diffId }) => diffId);
  const bytes = configBytes(session, state, diffIds, squashedHistory(state, base));
  return recordImage(session.ctx, { names: tags, docker, annotations }, bytes, layers);
}

function squashedLayer(session: Session, state: StageState, base: number): Promise<StoredLayer> {
  const { ctx, driver, run, request } = session;
  const rows = state.layers.map((layer) => layer.record.row);
  return session.scratch(async (dir) => {
    const rootfs = await rootfsIn(ctx, driver, rows, dir, run);
    const below = rows.slice(0, base);
    const lower = below.toReversed().map((row) => layerDir(ctx.paths, row));
    const views = [{ rootfs, writable: false }];
    return copyToLayer(ctx, (job, input) => runInside(ctx, job, input, { views }), {
      path: rootfs.merged,
      layer: { lower, whole: true, mountPoints: [] },
      below,
      maxTime: request.timestamp,
    });
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
