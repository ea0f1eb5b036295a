/** What ADD does beyond COPY: addresses are fetched, and local archives unpacked. */
import type { CopyInstruction } from "../dockerfile/instruction.ts";
import type { CopyRequest } from "../inside/copy-job.ts";
import type { SourceRoot } from "./source-root.ts";
import type { StepContext } from "./step-context.ts";

export interface AddedSources {
  /** What the result depends on besides the context's files. */
  readonly key: unknown;
  readonly request: Partial<CopyRequest>;
}

export async function resolveAdded(
  _instruction: CopyInstruction,
  _sources: readonly string[],
  step: StepContext,
  _root: SourceRoot,
): Promise<{ within<T>(work: (added: AddedSources) => Promise<T>): Promise<T> } | undefined> {
  return step.fail("ADD is not supported yet");
}
