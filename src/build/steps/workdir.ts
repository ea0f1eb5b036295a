/** WORKDIR makes its directory where the image lacks it. */
import { runInside } from "../../runtime/index.ts";
import { rootfsIn } from "../../storage/index.ts";
import type { MakeDirectoryRequest } from "../inside/directory-job.ts";
import { chainOf, type StageState } from "../stage-state.ts";
import type { LayerStep } from "../step-layers.ts";
import { sealStep } from "./seal.ts";
import { noteOf, type StepContext } from "./step-context.ts";

export async function workdirStep(path: string, state: StageState, step: StepContext): Promise<LayerStep> {
  const { session } = step;
  const { ctx } = session;
  if (path === "/") return { layer: undefined, created: 0, cached: true };
  const rows = state.layers.map((layer) => layer.record.row);
  const { User: user = "" } = state.config;
  const make = () =>
    session.scratch(async (dir) => {
      const rootfs = await rootfsIn(ctx, session.driver, rows, dir, session.run);
      const made = await runInside<MakeDirectoryRequest, { made: boolean }>(
        ctx,
        "build-directory",
        { target: rootfs.merged, path, user },
        { views: [{ rootfs, writable: true }] },
      );
      return made.made ? sealStep(session, { dir, below: state.layers }) : undefined;
    });
  const key = session.key("workdir", chainOf(state), path, user);
  return session.steps.layer({ key, note: noteOf(step), below: state.layers, make });
}
