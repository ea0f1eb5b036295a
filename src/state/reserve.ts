/**
 * A little room that the store keeps back. What removes something from a full disk has to write that down first, and
 * without room nothing could be removed to make some.
 */
import { existsSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Enough for the log of some removals; four blocks, of what no file system can compress. */
const RESERVE_BLOCK = 64 << 10;
const RESERVE_BLOCKS = 4;
const LITTLE_BYTES = 512 << 10;
const PLENTY_BYTES = 16 << 20;

const reserveOf = (database: string) => `${database}-reserve`;

function freeBytes(database: string): number {
  const { bavail, bsize } = statfsSync(dirname(database));
  return bavail * bsize;
}

/** Before a removal: gives the room back where it is needed. */
export function spendReserve(database: string): void {
  const reserve = reserveOf(database);
  if (existsSync(reserve) && freeBytes(database) < LITTLE_BYTES) rmSync(reserve, { force: true });
}

/** Now and then: keeps room back, out of plenty. */
export function keepReserve(database: string): void {
  const reserve = reserveOf(database);
  if (existsSync(reserve) || freeBytes(database) < PLENTY_BYTES) return;
  const block = crypto.getRandomValues(new Uint8Array(RESERVE_BLOCK));
  for (let count = 0; count < RESERVE_BLOCKS; count++)
    writeFileSync(reserve, block, { flag: "a", mode: 0o600 });
}
