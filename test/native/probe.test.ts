/** `holdfast probe` answers every question with one line and leaves nothing. */

import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { spawnSync } from "bun";
import { BUILD_TIME, buildHoldfast, MISSING, Sandbox } from "./plans.ts";

if (MISSING !== undefined) console.error(`SKIPPED: holdfast probe: ${MISSING}`);

describe.skipIf(MISSING !== undefined)("holdfast probe", () => {
  beforeAll(buildHoldfast, BUILD_TIME);
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(() => box.remove());

  function probe(...argv: string[]): Map<string, string> {
    const { stdout } = box.runShell([box.holdfast, "probe", ...argv].join(" "));
    return new Map(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(" ") as [string, string]),
    );
  }

  test("says of each feature 0 or the errno", () => {
    const { kernel, ...features } = Object.fromEntries(probe());
    expect(kernel).toBe(spawnSync(["uname", "-r"]).stdout.toString().trim());
    for (const [name, value] of Object.entries(features))
      expect([name, value]).toEqual([name, expect.stringMatching(/^\d+$/)]);
    for (const name of [
      "openat2",
      "mount_setattr",
      "clone_into_cgroup",
      "userns",
      "overlay",
      "overlay_userxattr",
      "overlay_data",
      "idmapped_tmpfs",
    ])
      expect(Object.keys(features)).toContain(name);
  });

  test("tries overlay in the store's own file system, and clears up", () => {
    const dir = box.mkdir("run/probe");
    expect(probe(dir).get("overlay_userxattr")).toBe("0");
    expect(readdirSync(dir)).toEqual([]);
  });
});
