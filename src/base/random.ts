/** Random text. Web Crypto, because loading node:crypto takes longer than everything `ps` does. */

/** Lower-case hex digits, two a byte, of the system's random numbers. */
export function randomHex(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
}

/** Every whole number from 0 to below `limit` (at most 2^32) with the same chance. */
export function randomBelow(limit: number): number {
  // Numbers of the last, incomplete round of `limit` would favour the small ones.
  const fair = 2 ** 32 - (2 ** 32 % limit);
  for (;;) {
    const [value = 0] = crypto.getRandomValues(new Uint32Array(1));
    if (value < fair) return value % limit;
  }
}
