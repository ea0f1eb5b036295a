/** SIGKILL at many moments of a start: whatever is hit, nothing stays and the next start works. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { BUILD_TIME, buildHoldfast, eventually, MISSING, Sandbox } from "./plans.ts";

if (MISSING !== undefined) console.error(`SKIPPED: holdfast killed: ${MISSING}`);

/** Direct children, by their parent's number in /proc. */
function childrenOf(parent: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]) === parent;
      } catch {
        return false;
      }
    });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

describe.skipIf(MISSING !== undefined)("killed at any moment", () => {
  beforeAll(buildHoldfast, BUILD_TIME);
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(async () => {
    await eventually(() => box.processes().length === 0, "every process gone");
    box.remove();
  });

  async function sweep(victims: (launcher: number) => readonly number[]): Promise<void> {
    for (let i = 0; i < 40; i++) {
      const started = box.spawn("start", box.container("a", { argv: ["sleep", "0.1"] }));
      await Bun.sleep(i * 0.4);
      for (const pid of victims(started.pid)) kill(pid);
      await started.exited;
    }
    await eventually(() => box.processes().length === 0, "every process gone");
    const { code, stdout } = box.run("start", box.container("b", { argv: ["echo", "works"] }));
    expect([code, stdout]).toEqual([0, "works\n"]);
    expect(box.holders()).toEqual([]);
  }

  test("the launcher", () => sweep((launcher) => [launcher]), 60_000);
  test("the monitor, or what stands in its place then", () => sweep(childrenOf), 60_000);
  test("both", () => sweep((launcher) => [...childrenOf(launcher), launcher]), 60_000);
});
