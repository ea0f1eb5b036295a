/** --preserve-fds and --preserve-fd. */
import { readlinkSync } from "node:fs";
import { UsageError } from "../base/index.ts";
import type { KeptFds } from "../container/index.ts";

/** holdfast keeps the numbers after these for itself. */
const LAST_FD = 66;
/** What the JavaScript engine has opened before anything of ours runs. */
const ENGINE = new Set(["anon_inode:[eventpoll]", "anon_inode:[eventfd]"]);

/**
 * Which descriptors after standard error are passed on. To be called before kelp opens anything that stays open: a number the
 * caller did not give must not become one of ours.
 */
export function preservedFds(options: {
  readonly "preserve-fds": number | undefined;
  readonly "preserve-fd": readonly string[];
}): KeptFds {
  const count = options["preserve-fds"] ?? 0;
  for (let fd = 3; fd < 3 + count; fd++) requireGiven(fd, "preserve-fds");
  const numbers = options["preserve-fd"].map(readNumber);
  for (const fd of numbers) requireGiven(fd, "preserve-fd");
  return { count, numbers };
}

function readNumber(text: string): number {
  const fd = /^\d+$/.test(text) ? Number(text) : -1;
  if (fd >= 3 && fd <= LAST_FD) return fd;
  throw new UsageError(
    "invalid-fd",
    `invalid file descriptor ${JSON.stringify(text)} for --preserve-fd: it must be a number from 3 to ${LAST_FD}`,
  );
}

function requireGiven(fd: number, option: string): void {
  try {
    if (fd <= LAST_FD && !ENGINE.has(readlinkSync(`/proc/self/fd/${fd}`))) return;
  } catch {
    // It is not open.
  }
  throw new UsageError(
    "no-such-fd",
    `file descriptor ${fd} is not available - the ${option} option requires that file descriptors must be passed`,
  );
}
