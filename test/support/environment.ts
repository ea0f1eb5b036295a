/** What the runner (scripts/test.mjs) hands to the tests; each has a default, so that one file runs alone. */
import { existsSync, mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..", "..");

/** The compiled executable under test. */
export const KELP = process.env.KELP_TEST_BINARY ?? join(ROOT, "dist", "kelp");

/** The storage driver that sandboxes use; empty: the best that works. */
export const DRIVER = process.env.KELP_TEST_DRIVER ?? "";

/** Kept for the whole run: images that several files use. */
export function cacheDirectory(): string {
  const directory = process.env.KELP_TEST_CACHE ?? join(tmpdir(), `kelp-test-cache-${userInfo().uid}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/** Short, because socket paths are: the parent of every sandbox's runtime directory. */
export function runtimeParent(): string {
  const given = process.env.XDG_RUNTIME_DIR;
  return given !== undefined && existsSync(given) ? given : tmpdir();
}

/** TEST_KEEP=1 leaves the files of a test for a look. */
export const KEEP = process.env.TEST_KEEP === "1";

/** An empty file system of 48 MB that the runner mounted for this test file alone. */
export function smallDisk(): string | undefined {
  return process.env.KELP_TEST_SMALL_DISK;
}
