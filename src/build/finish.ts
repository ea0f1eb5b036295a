/** The image of a finished stage. */
import { recordImage, type StoredImage } from "../image/index.ts";
import type { HistoryEntry } from "../oci/index.ts";
import type { Session } from "./session.ts";
import type { StageState } from "./stage-state.ts";

/**
 * Records the image under its names. Two builds of the same steps are the same image: what has no time of its own gets
 * the time at which just this image was first made.
 */
export function finishImage(session: Session, state: StageState): StoredImage {
  const { request } = session;
  const labels = { ...state.config.Labels, ...request.labels };
  const config = { ...state.config, ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }) };
  const { Healthcheck: health, ...plain } = config;
  const document = {
    ...(state.author === undefined ? {} : { author: state.author }),
    architecture: state.architecture,
    os: state.os,
    ...(state.variant === undefined ? {} : { variant: state.variant }),
    // The OCI format has no field for it.
    config: request.docker && health !== undefined ? config : plain,
    rootfs: { type: "layers", diff_ids: state.layers.map((layer) => layer.diffId) },
  };
  const created = imageTime(session, [document, state.history, request.annotations]);
  const history: HistoryEntry[] = state.history.map((entry) => ({
    ...entry,
    created:
      request.timestamp === undefined ? (entry.created ?? created) : (keepBase(state, entry) ?? created),
  }));
  const bytes = Buffer.from(JSON.stringify({ created, ...document, history }));
  return recordImage(
    session.ctx,
    { names: request.tags, docker: request.docker, annotations: request.annotations },
    bytes,
    state.layers,
  );
}

/** With --timestamp only what this build made gets the time. */
function keepBase(state: StageState, entry: HistoryEntry): string | undefined {
  return state.baseHistory.includes(entry) ? entry.created : undefined;
}

function imageTime(session: Session, depends: readonly unknown[]): string {
  const { timestamp } = session.request;
  const time =
    timestamp === undefined ? session.firstMade(session.key("image", depends), "image") : timestamp * 1000;
  return new Date(time).toISOString();
}
