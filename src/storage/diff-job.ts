/** The job `list-changes`: what a container or a layer changes of the layers below it. */
import { errnoCode, StorageError } from "../base/index.ts";
import { errnoText, loadLibc } from "../host/index.ts";
import { type ChangesInput, type TreeChange, treeChanges } from "./tree/changes.ts";

/** @throws {StorageError} `diff-failed` */
export async function listChanges(input: ChangesInput): Promise<TreeChange[]> {
  try {
    return treeChanges(loadLibc(), input);
  } catch (error) {
    if (error instanceof StorageError || errnoCode(error) === undefined) throw error;
    const reason = errnoText(errnoCode(error)) ?? String(error);
    throw new StorageError("diff-failed", `cannot compare ${input.upper}: ${reason}`, { cause: error });
  }
}
