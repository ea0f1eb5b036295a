/** From what a step has written to a layer, whatever the storage driver keeps it in. */
import { join } from "node:path";
import { copyToLayer, layerDir, type StoredLayer, sealUpper } from "../../storage/index.ts";
import type { Session } from "../session.ts";

/** A layer that was made as a plain directory, in which there was nothing before. */
export function sealAlone(
  { ctx, run, request }: Session,
  upper: string,
  below: readonly StoredLayer[],
): Promise<StoredLayer> {
  const rows = below.map((layer) => layer.record.row);
  return sealUpper(ctx, run, { upper, below: rows, independent: true, maxTime: request.timestamp });
}

export interface StepFiles {
  /** What `rootfsIn` was given, or the container's directory. */
  readonly dir: string;
  /** Layers below, lowest first. */
  readonly below: readonly StoredLayer[];
  /** Absolute paths that were made to mount something on. */
  readonly mountPoints?: readonly string[];
}

/**
 * Overlay has the changes in a directory, which becomes the layer where it is. With vfs the step had a copy of all
 * files: what differs from the layers below is copied.
 */
export function sealStep(session: Session, files: StepFiles): Promise<StoredLayer> {
  const { ctx, run, driver } = session;
  const maxTime = session.request.timestamp;
  const below = files.below.map((layer) => layer.record.row);
  const mountPoints = files.mountPoints ?? [];
  if (driver !== "vfs")
    return sealUpper(ctx, run, { upper: join(files.dir, "upper"), below, mountPoints, maxTime });
  const lower = below.toReversed().map((row) => layerDir(ctx.paths, row));
  const layer = { lower, whole: true, mountPoints };
  return copyToLayer(ctx, run, { path: join(files.dir, "rootfs"), layer, below, maxTime });
}
