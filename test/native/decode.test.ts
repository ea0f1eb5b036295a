/** What is no plan is refused before anything happens: one case for every rule of PLAN.md's wire form. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "bun";
import { encodePlan } from "../../src/runtime/plan/encode.ts";
import { type Plan, STAGES } from "../../src/runtime/plan/ops.ts";
import { planOf } from "../unit/runtime/fixture.ts";

const NATIVE = join(import.meta.dir, "../../native");
const HOLDFAST = join(NATIVE, "build/holdfast-asan");
const HEADER = 32;
const NOT_A_PLAN = 65;
let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "kelp-decode-"));
  mkdirSync(join(dir, "live"));
  const made = spawnSync(["make", "-s", "-C", NATIVE, "asan"]);
  if (!made.success) throw new Error(`make asan: ${made.stderr}`);
}, 120_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Its first operation would create a file; its second has a string, a list and a blob to spoil. */
function sample(): Plan {
  return {
    ops: [
      {
        op: "client",
        stage: "config",
        args: { attach: 0, streams: 0, signals: 0, detachKeys: new Uint8Array([16]), announce: "ab" },
      },
      {
        op: "joinBase",
        stage: "launch",
        args: { lock: join(dir, "lock"), live: join(dir, "live"), net: "", ownNet: 0, namespaces: 0n },
      },
      { op: "openPath", stage: "monitor", args: { path: "/", flags: 0, into: 3 } },
      { op: "closeSlot", stage: "setup", args: { slot: 3 } },
      { op: "execve", stage: "exec", args: { argv: ["a", "bc"], env: [], search: [] } },
    ],
  };
}

function run(verb: string, bytes: Uint8Array): number | null {
  const path = join(dir, "plan");
  writeFileSync(path, bytes);
  return spawnSync([HOLDFAST, verb, path], { stdin: "ignore", stdout: "ignore", stderr: "ignore" }).exitCode;
}

/** Where records begin, by position in the plan. */
function offsets(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const found: number[] = [];
  for (let at = HEADER; at < bytes.length; at += 8 + view.getUint32(at + 4, true)) found.push(at);
  return found;
}

type Spoil = (view: DataView, at: readonly number[]) => void;

const SPOILED: Readonly<Record<string, Spoil>> = {
  "another magic": (v) => v.setUint8(7, 0x4d),
  "a total length that is too small": (v) => v.setUint32(8, v.byteLength - 4, true),
  "a total length that is too large": (v) => v.setUint32(8, v.byteLength + 4, true),
  "a count that is too small": (v) => v.setUint32(12, 4, true),
  "a count that is too large": (v) => v.setUint32(12, 6, true),
  "another table's hash": (v) => v.setUint8(16, v.getUint8(16) ^ 1),
  "reserved bytes in use": (v) => v.setUint8(31, 1),
  "an opcode nobody has": (v, at) => v.setUint16(at[3]!, 0x7f, true),
  "an opcode beyond the table": (v, at) => v.setUint16(at[3]!, 0xffff, true),
  "a stage the operation may not run in": (v, at) => v.setUint8(at[3]! + 2, STAGES.indexOf("finish")),
  "a stage nobody has": (v, at) => v.setUint8(at[3]! + 2, STAGES.length),
  "stages out of order": (v, at) => v.setUint8(at[2]! + 2, STAGES.indexOf("exec")),
  "a record length that is no multiple of four": (v, at) => v.setUint32(at[3]! + 4, 3, true),
  "a record that reaches beyond the end": (v, at) => v.setUint32(at[4]! + 4, 0xfffffffc, true),
  "too few arguments": (v, at) => v.setUint32(at[3]! + 4, 0, true),
  "a string that reaches beyond its record": (v, at) => v.setUint32(at[2]! + 8, 60, true),
  "a string of four gigabytes": (v, at) => v.setUint32(at[2]! + 8, 0xffffffff, true),
  "a NUL inside a string": (v, at) => v.setUint8(at[4]! + 24, 0),
  "a string without its NUL": (v, at) => v.setUint8(at[4]! + 17, 0x78),
  "padding in use after a string": (v, at) => v.setUint8(at[4]! + 19, 1),
  "padding in use after a blob": (v, at) => v.setUint8(at[0]! + 27, 1),
  "a list that claims more than it has": (v, at) => v.setUint32(at[4]! + 8, 3, true),
  "a list of four thousand million": (v, at) => v.setUint32(at[4]! + 8, 0xffffffff, true),
  "a list that claims less than it has": (v, at) => v.setUint32(at[4]! + 8, 1, true),
  "a slot beyond the last": (v, at) => v.setUint32(at[3]! + 8, 64, true),
  "a slot that nothing filled": (v, at) => v.setUint32(at[3]! + 8, 4, true),
};

test("the sample, unspoiled, is a plan", () => {
  expect(run("check", encodePlan(sample()))).toBe(0);
});

describe("refused, with no effect:", () => {
  for (const [name, spoil] of Object.entries(SPOILED))
    test(name, () => {
      const bytes = encodePlan(sample()).slice();
      spoil(new DataView(bytes.buffer), offsets(bytes));
      expect(run("check", bytes)).toBe(2);
      expect(run("enter", bytes)).toBe(NOT_A_PLAN);
      expect(existsSync(join(dir, "lock"))).toBe(false);
    });

  test("a plan cut off anywhere, or with something after it", () => {
    const bytes = encodePlan(sample());
    for (let size = 0; size < bytes.length; size += 4) expect(run("check", bytes.subarray(0, size))).toBe(2);
    expect(run("check", new Uint8Array([...bytes, 0, 0, 0, 0]))).toBe(2);
    const claimed = new Uint8Array([...bytes, 0, 0, 0, 0]);
    new DataView(claimed.buffer).setUint32(8, claimed.length, true);
    expect(run("check", claimed)).toBe(2);
  });

  test("a slot used before it is filled, and a record given twice", () => {
    const { ops } = sample();
    const early: Plan = {
      ops: [
        ...ops.slice(0, 2),
        { op: "openPid", stage: "monitor", args: { pid: 1, start: 0n, into: 4 } },
        { op: "closeSlot", stage: "monitor", args: { slot: 3 } },
        ...ops.slice(2),
      ],
    };
    expect(run("check", encodePlan(early))).toBe(2);
    expect(run("check", encodePlan({ ops: [ops[0]!, ...ops] }))).toBe(2);
  });

  test("more than 4 MiB, a directory, a device, a fifo, nothing", () => {
    expect(run("check", new Uint8Array((4 << 20) + 4))).toBe(2);
    spawnSync(["mkfifo", join(dir, "fifo")]);
    for (const path of [dir, "/dev/zero", join(dir, "fifo"), join(dir, "none")])
      expect(spawnSync([HOLDFAST, "check", path], { stderr: "ignore" }).exitCode).toBe(2);
  });

  test("a start without the records it needs", () => {
    expect(run("start", encodePlan({ ops: sample().ops.slice(0, 1) }))).toBe(NOT_A_PLAN);
    expect(run("exec", encodePlan({ ops: [] }))).toBe(NOT_A_PLAN);
  });
});

test("mutated plans never make the decoder read outside them", () => {
  const made = spawnSync(["make", "-s", "-C", NATIVE, "build/fuzz-plan"]);
  expect(made.success).toBe(true);
  for (const plan of [sample(), planOf({ config: { tty: true, privileged: true } })]) {
    const seed = join(dir, "seed");
    writeFileSync(seed, encodePlan(plan));
    const { exitCode, stderr } = spawnSync([join(NATIVE, "build/fuzz-plan"), seed, "10000"], {
      stderr: "pipe",
    });
    expect([exitCode, stderr.toString()]).toEqual([0, ""]);
  }
});

test("a bad command line is answered with the usage and 64", () => {
  for (const argv of [[], ["start"], ["start", "a", "b"], ["no-verb"], ["attach", "x"]]) {
    const { exitCode, stderr } = spawnSync([HOLDFAST, ...argv], { stderr: "pipe" });
    expect([exitCode, stderr.toString().slice(0, 15)]).toEqual([64, "holdfast: usage"]);
  }
});
