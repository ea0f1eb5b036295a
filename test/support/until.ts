/** Waiting for a condition. */

/** Shorter than a test may take, so that a failure names what never came. */
const LIMIT_MS = 50_000;

/** Looks again and again. @param what never came, if it does not */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`never: ${what}`);
    await Bun.sleep(50);
  }
}
