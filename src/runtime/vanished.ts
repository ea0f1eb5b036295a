/** What a command finds that is about a container which another command removes. */
import { errnoCode, KelpError, NotFoundError } from "../base/index.ts";

/** A file of a container that is not there, in words; any other error as it is. */
export function vanished(error: unknown): unknown {
  if (error instanceof KelpError || errnoCode(error) !== "ENOENT") return error;
  const { path = "" } = error as NodeJS.ErrnoException;
  const id = /\/(?:containers|c)\/([0-9a-f]{64})(?:\/|$)/.exec(path)?.[1];
  if (id === undefined) return error;
  return new NotFoundError(
    "container-vanished",
    `cannot go on with container ${id.slice(0, 12)}: it was removed meanwhile`,
    { cause: error, hint: "if it is there, `kelp system check` says what it lacks" },
  );
}
