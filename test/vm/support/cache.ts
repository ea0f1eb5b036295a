/** Where images and saved machines are kept between runs, and where the running ones have their files. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "kelp-test-vm");

/** One after the other: what two would make beside each other is made once. The kernel drops the name with its process. */
export async function alone<T>(body: () => Promise<T>): Promise<T> {
  let server = await holder();
  for (; server === undefined; server = await holder()) await sleep(200);
  try {
    return await body();
  } finally {
    server.close();
  }
}

/** Who listens under the name; undefined where somebody else does. */
function holder(): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(`\0${CACHE}`, () => resolve(server));
  });
}

/** A new directory of this process; those of processes that could not clean up go. */
export function workDirectory(): string {
  const work = join(CACHE, "work");
  mkdirSync(work, { recursive: true });
  for (const name of readdirSync(work))
    if (!existsSync(`/proc/${name.split("-")[0]}`))
      rmSync(join(work, name), { recursive: true, force: true });
  return mkdtempSync(join(work, `${process.pid}-`));
}

/** Gives what was made in a work directory its place in `parent`. Others whose names match are out of date. */
export function keep(made: string, parent: string, name: string, outdated: RegExp): void {
  // Who was faster has made the same.
  if (!existsSync(join(parent, name))) renameSync(made, join(parent, name));
  for (const other of readdirSync(parent))
    if (outdated.test(other) && other !== name) rmSync(join(parent, other), { recursive: true, force: true });
}
