/** Buffers that pass by. */

let uncollected = 0;

/**
 * Each piece of a stream is a buffer outside the heap, which the collector does not see grow: it is told of `bytes` more, and works after
 * every `most` of them. That takes 2 to 4 ms.
 */
export function collectGarbage(bytes: number, most: number): void {
  uncollected += bytes;
  if (uncollected < most) return;
  uncollected = 0;
  Bun.gc(true);
}
