/** What is nobody's mistake, met where no better words were found for it: a full or failing disk, a container that another command removes. */
import { errnoCode, KelpError, NotFoundError } from "../base/index.ts";
import { writeError } from "../host/index.ts";

const OF_THE_DISK = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO"]);

/** Such an error in words; any other as it is. */
export function inWords(error: unknown): unknown {
  if (error instanceof KelpError) return error;
  const code = errnoCode(error) ?? "";
  const { path } = (error ?? {}) as NodeJS.ErrnoException;
  if (OF_THE_DISK.has(code)) return writeError(path ?? "to the store", error);
  const id = /\/(?:containers|c)\/([0-9a-f]{64})(?:\/|$)/.exec(path ?? "")?.[1];
  if (code !== "ENOENT" || id === undefined) return error;
  return new NotFoundError(
    "container-vanished",
    `cannot go on with container ${id.slice(0, 12)}: it was removed meanwhile`,
    { cause: error, hint: "if it is there, `kelp system check` says what it lacks" },
  );
}
