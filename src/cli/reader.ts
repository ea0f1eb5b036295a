/** Who reads what a command prints that may be silent for long. */
import { fstatSync } from "node:fs";

/**
 * Whether somebody still reads standard output: `kelp logs -f web | grep -m1 ready` ends when grep has, and not with the
 * next line of a container that has nothing more to say. Only a pipe has a reader that can go.
 */
export async function stdoutReader(): Promise<() => boolean> {
  const { isFIFO, isSocket } = typeOf(1);
  if (!isFIFO && !isSocket) return () => true;
  const { loadLibc } = await import("../host/index.ts");
  return () => !loadLibc().isHungUp(1);
}

function typeOf(fd: number): { readonly isFIFO: boolean; readonly isSocket: boolean } {
  try {
    const status = fstatSync(fd);
    return { isFIFO: status.isFIFO(), isSocket: status.isSocket() };
  } catch {
    return { isFIFO: false, isSocket: false };
  }
}
