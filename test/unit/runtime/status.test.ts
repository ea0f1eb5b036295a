import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootId, processStart } from "../../../src/host/index.ts";
import { liveState } from "../../../src/runtime/index.ts";

const id = "ab".repeat(32);
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-status-"));
  for (const dir of [`data/containers/${id}`, `run/c/${id}`, "run/gone"])
    mkdirSync(join(root, dir), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const container = (name: string) => join(root, "data/containers", id, name);
const state = () =>
  liveState({ paths: { data: join(root, "data"), runtime: join(root, "run"), config: "", cache: "" } }, id);

function writeStatus(pid: number, start: bigint, boot = bootId()): void {
  const text = `monitor ${pid} ${start}\ninit ${pid} ${start}\nstarted 1700000000 500000000\nboot ${boot}\n`;
  writeFileSync(join(root, "run/c", id, "status"), text);
}

test("without any file it is created", () => {
  expect(state()).toEqual({ state: "created" });
});

test("a live monitor means running", () => {
  writeStatus(process.pid, processStart(process.pid)!);
  expect(state()).toMatchObject({ state: "running", init: { pid: process.pid }, started: 1700000000500 });
});

test("a pid given out again is not the monitor: the container was killed with it, and that is written down", () => {
  writeStatus(process.pid, processStart(process.pid)! + 1n);
  expect(state()).toMatchObject({ state: "exited", exit: { code: 137, signal: 9, started: 1700000000500 } });
  expect(existsSync(container("exit"))).toBe(true);
  expect(state()).toMatchObject({ state: "exited", exit: { code: 137 } });
});

test("an exit file tells how it ended", () => {
  writeFileSync(container("exit"), "code 143\nsignal 15\noom 1\nstarted 10 0\nfinished 12 250000000\n");
  expect(state()).toEqual({
    state: "exited",
    lost: false,
    exit: {
      code: 143,
      signal: 15,
      oom: true,
      started: 10_000,
      finished: 12_250,
      restarts: 0,
      timedOut: false,
    },
  });
});

test("between two lives the monitor's status tells how the last one ended", () => {
  const start = processStart(process.pid)!;
  writeStatus(process.pid, start);
  const path = join(root, "run/c", id, "status");
  appendFileSync(path, "restarts 3\ncode 7\nfinished 1700000001 0\n");
  expect(state()).toMatchObject({
    state: "running",
    restarts: 3,
    pause: { code: 7, finished: 1700000001000 },
  });
});

test("a status from before the last boot is a lost container, code 255, and nothing is written", () => {
  writeStatus(process.pid, processStart(process.pid)!, "another-boot");
  writeFileSync(container("plan"), "");
  expect(state()).toMatchObject({ state: "exited", lost: true, exit: { code: 255 } });
  expect(existsSync(container("exit"))).toBe(false);
});

test("a fresh plan without a status is a start under way, an old one a lost container", () => {
  writeFileSync(container("plan"), "");
  expect(state()).toEqual({ state: "starting" });
  const old = Date.now() / 1000 - 3600;
  utimesSync(container("plan"), old, old);
  expect(state()).toMatchObject({ state: "exited", lost: true, exit: { code: 255 } });
});

test("a marker means it exists no more, whatever else is there", () => {
  writeStatus(process.pid, processStart(process.pid)!);
  writeFileSync(join(root, "run/gone", id), "");
  expect(state()).toEqual({ state: "gone" });
});

test("a torn or foreign status file is no status", () => {
  writeFileSync(join(root, "run/c", id, "status"), "monitor 1");
  expect(state()).toEqual({ state: "created" });
});
