/** Containers, exec and enter once more with holdfast built for the address and undefined-behaviour sanitizers. */

import { expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "bun";
import { MISSING } from "./plans.ts";

const NATIVE = join(import.meta.dir, "../../native");
const TEST_TIME = 180_000;

test.skipIf(MISSING !== undefined)(
  "no read or write out of bounds, no undefined behaviour",
  () => {
    expect(spawnSync(["make", "-s", "-C", NATIVE, "asan"]).success).toBe(true);
    const dir = mkdtempSync(join(tmpdir(), "kelp-sanitized-"));
    const holdfast = join(dir, "holdfast");
    copyFileSync(join(NATIVE, "build/holdfast-asan"), holdfast);
    chmodSync(dir, 0o755);
    // Leak checking needs ptrace of oneself, and a process that ends by execve or _exit has nothing to leak.
    const env = { ...process.env, KELP_TEST_HOLDFAST: holdfast, ASAN_OPTIONS: "detect_leaks=0" };
    const files = ["start", "exec", "keep"].map((name) => join(import.meta.dir, `${name}.test.ts`));
    const { exitCode, stderr } = spawnSync([process.execPath, "test", "--timeout", "60000", ...files], {
      env,
      stderr: "pipe",
    });
    rmSync(dir, { recursive: true });
    expect(exitCode === 0 ? "" : stderr.toString()).toBe("");
  },
  TEST_TIME,
);
