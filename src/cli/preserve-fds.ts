/** --preserve-fds and --preserve-fd. */
import { fstatSync } from "node:fs";
import { UsageError } from "../base/index.ts";

/** How many descriptors after standard error are passed on. */
export function preservedFds(options: {
  readonly "preserve-fds": number | undefined;
  readonly "preserve-fd": readonly string[];
}): number {
  if (options["preserve-fd"].length > 0) {
    throw new UsageError(
      "not-supported",
      "--preserve-fd is not supported: descriptors are passed on from 3 without a gap",
      {
        hint: "Use --preserve-fds N.",
      },
    );
  }
  const count = options["preserve-fds"] ?? 0;
  for (let fd = 3; fd < 3 + count; fd++) {
    try {
      fstatSync(fd);
    } catch {
      throw new UsageError(
        "no-such-fd",
        `file descriptor ${fd} is not available - the preserve-fds option requires that file descriptors must be passed`,
      );
    }
  }
  return count;
}
