/** What is known of a failed operation, and what its number means. */
import type { Plan } from "./plan/ops.ts";

export interface FailureInput {
  readonly plan: Plan;
  /** Position in the plan, as holdfast reports it. */
  readonly index: number;
  /** An errno, or 1000 + exit status of a helper program. */
  readonly errno: number;
  /** The container's ID, for messages that name it. */
  readonly id: string;
  /** What the image is for, if not for this machine. */
  readonly architecture?: string | undefined;
  /** What was tried, if it is not the start of a container. */
  readonly purpose?: string;
  /** What an OCI runtime wrote into its log. */
  readonly runtimeLog?: string;
}

/** Added to the exit status of a helper program where an errno is expected. */
export const HELPER = 1000;

const WORDS: Readonly<Record<number, string>> = {
  1: "operation not permitted",
  2: "no such file or directory",
  3: "no such process",
  5: "input/output error",
  7: "argument list too long",
  8: "exec format error",
  9: "bad file descriptor",
  11: "resource temporarily unavailable",
  12: "cannot allocate memory",
  13: "permission denied",
  16: "device or resource busy",
  17: "file exists",
  18: "invalid cross-device link",
  19: "no such device",
  20: "not a directory",
  21: "is a directory",
  22: "invalid argument",
  24: "too many open files",
  25: "inappropriate ioctl for device",
  26: "text file busy",
  28: "no space left on device",
  30: "read-only file system",
  36: "file name too long",
  38: "function not implemented",
  40: "too many levels of symbolic links",
  54: "the kernel lets no more interfaces join a bridge (1023)",
  95: "operation not supported",
  98: "address already in use",
  99: "Cannot assign requested address",
  101: "network is unreachable",
  110: "connection timed out",
  122: "disk quota exceeded",
};

/** Unknown ones keep their number. */
export function words(errno: number): string {
  return WORDS[errno] ?? `error ${errno}`;
}
