/** Asking before something is deleted. */
import type { Io } from "./command.ts";

/** Prints the warning and waits for one line; anything but a yes is a no. */
export async function agreedTo(io: Io, warning: string): Promise<boolean> {
  io.out(`${warning}Are you sure you want to continue? [y/N] `);
  for await (const chunk of io.stdin()) return /^\s*y/i.test(chunk.toString());
  return false;
}
