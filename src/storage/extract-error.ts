/** Words for what goes wrong while unpacking. */
import { errnoCode, StorageError } from "../base/index.ts";
import { errnoText } from "../host/index.ts";
import { printable } from "./tar/header.ts";

/** Errors of the system get the entry's name and advice; ours pass. */
export function explainUnpack(error: unknown, entry: string): unknown {
  if (error instanceof StorageError) return error;
  const code = errnoCode(error);
  if (code === undefined) return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new StorageError("disk-full", `cannot unpack ${printable(entry)}: ${errnoText(code)}`, {
      cause: error,
      hint: "free some space, for example with `kelp system prune`, or move the store with --root",
    });
  }
  if (code === "EINVAL" && isChown(error)) {
    return new StorageError(
      "ids-insufficient",
      `cannot unpack ${printable(entry)}: potentially insufficient UIDs or GIDs available in user namespace`,
      {
        cause: error,
        hint: "give your user more subordinate ids in /etc/subuid and /etc/subgid (65536 are usual)",
      },
    );
  }
  return new StorageError("unpack-failed", `cannot unpack ${printable(entry)}: ${errnoText(code) ?? code}`, {
    cause: error,
  });
}

function isChown(error: unknown): boolean {
  return (
    typeof error === "object" &&
    error !== null &&
    "syscall" in error &&
    String(error.syscall).includes("chown")
  );
}
