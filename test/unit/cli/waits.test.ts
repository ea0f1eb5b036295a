import { expect, test } from "bun:test";
import { showingWait, showWaits, startLog } from "../../../src/base/index.ts";
import type { Io } from "../../../src/cli/command.ts";
import { waitView } from "../../../src/cli/waits.ts";

const terminal = (stderrIsTty: boolean, said: string[]) =>
  ({ stderrIsTty, columns: 60, err: (text: string) => said.push(text) }) as unknown as Io;

const MEGABYTE = 1_000_000;
const wait = { text: "preparing layers", total: 300 * MEGABYTE, done: () => 120 * MEGABYTE };

test("a wait is one line of a terminal that goes on in place and goes when it is over", () => {
  const said: string[] = [];
  const view = waitView(terminal(true, said));
  view.at(wait);
  view.at(wait);
  view.end();
  const line = "\r\x1b[2Kpreparing layers: 120MB of 300MB";
  expect(said).toEqual([line, line, "\r\x1b[2K"]);
});

test("elsewhere it is said once", () => {
  const said: string[] = [];
  startLog("warn", (line) => said.push(line));
  const view = waitView(terminal(false, said));
  view.at(wait);
  view.at(wait);
  view.end();
  expect(said).toEqual([expect.stringContaining('level=warning msg="preparing layers (300MB)"')]);
});

test("what takes long is shown until it has ended, well or not, and what is short is not", async () => {
  const seen: string[] = [];
  showWaits({ at: () => seen.push("at"), end: () => seen.push("end") });
  expect(await showingWait(wait, async () => "quick")).toBe("quick");
  expect(seen).toEqual([]);
  const failing = showingWait(wait, async () => {
    await Bun.sleep(1300);
    throw new Error("no space");
  });
  expect(failing).rejects.toThrow("no space");
  await failing.catch(() => {});
  expect(new Set(seen)).toEqual(new Set(["at", "end"]));
  expect(seen.at(-1)).toBe("end");
});
