/** RUN --mount, and what else is laid over a step's root without becoming part of the layer. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunInstruction } from "../dockerfile/instruction.ts";
import type { StageState } from "../stage-state.ts";
import type { StepContext } from "./step-context.ts";

export interface RunMounts {
  /** What the step's result depends on. */
  readonly key: unknown;
  /** Makes what is mounted, for as long as `work` takes; it gets options in the words of `create`. */
  within<T>(
    work: (mounts: { readonly options: Readonly<Record<string, unknown>> }) => Promise<T>,
  ): Promise<T>;
}

export async function resolveRunMounts(
  instruction: RunInstruction,
  _state: StageState,
  step: StepContext,
  script: { readonly path: string; readonly content: string } | undefined,
): Promise<RunMounts> {
  if (instruction.mounts.length > 0) step.fail("RUN --mount is not supported yet");
  return {
    key: script ?? null,
    within: (work) =>
      step.session.scratch((dir) => {
        if (script === undefined) return work({ options: {} });
        const file = join(dir, "script");
        writeFileSync(file, script.content);
        chmodSync(file, 0o755);
        return work({ options: { mount: [`type=bind,source=${file},destination=${script.path},ro`] } });
      }),
  };
}
