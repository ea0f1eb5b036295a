import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { followLog, readLog } from "../../../src/container/log-reader.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "kelp-log-"));
  path = join(directory, "ctr.log");
});
afterEach(() => rmSync(directory, { recursive: true }));

const line = (text: string, flag = "F", second = 0) =>
  `2026-01-02T03:04:${String(second).padStart(2, "0")}.123456789+00:00 stdout ${flag} ${text}\n`;
const texts = (query = {}) =>
  [...readLog(path, query)].map((entry) => entry.text.toString() + (entry.partial ? "" : "\n")).join("");

describe("readLog", () => {
  test("gives nothing where there is no log", () => expect(texts()).toBe(""));

  test("reads rotated files before the current one", () => {
    writeFileSync(`${path}.2`, line("one"));
    writeFileSync(`${path}.1`, line("two"));
    writeFileSync(path, line("three"));
    expect(texts()).toBe("one\ntwo\nthree\n");
    expect(texts({ tail: 2 })).toBe("two\nthree\n");
  });

  test("counts a line with its partial entries as one", () => {
    writeFileSync(path, line("podman1\r") + line("podman2", "P") + line("\r") + line("podman3\r"));
    expect(texts({ tail: 1 })).toBe("podman3\r\n");
    expect(texts({ tail: 2 })).toBe("podman2\r\npodman3\r\n");
    for (const tail of [3, 4, 5]) expect(texts({ tail })).toBe("podman1\r\npodman2\r\npodman3\r\n");
    expect(texts({ tail: 0 })).toBe("");
  });

  test("finds the tail of a log of many windows", () => {
    for (let block = 0; block < 40; block++) {
      appendFileSync(
        path,
        Array.from({ length: 500 }, (_, index) => line(`line ${block * 500 + index}`)).join(""),
      );
    }
    expect(texts({ tail: 2 })).toBe("line 19998\nline 19999\n");
    expect([...readLog(path, { tail: 15000 })][0]?.text.toString()).toBe("line 5000");
    expect([...readLog(path, {})].length).toBe(20000);
  });

  test("keeps to --since and --until", () => {
    writeFileSync(path, line("a", "F", 1) + line("b", "F", 5) + line("c", "F", 9));
    expect(texts({ since: Date.parse("2026-01-02T03:04:03Z") })).toBe("b\nc\n");
    expect(texts({ until: Date.parse("2026-01-02T03:04:07Z") })).toBe("a\nb\n");
  });

  test("skips a line torn by a power cut", () => {
    writeFileSync(path, `\0\0\0\0\n${line("fine")}2026-01-02T`);
    expect(texts()).toBe("fine\n");
  });

  test("never follows a link put in a log's place", () => {
    writeFileSync(join(directory, "secret"), line("secret"));
    symlinkSync("secret", path);
    expect(texts()).toBe("");
  });
});

describe("followLog", () => {
  test("goes on over a rotation and stops when the container has ended", async () => {
    writeFileSync(path, line("one"));
    let running = true;
    const seen: string[] = [];
    for await (const entry of followLog(path, { isRunning: () => running })) {
      seen.push(entry.text.toString());
      if (seen.length === 1) setTimeout(() => appendFileSync(path, line("two")), 10);
      if (seen.length === 2) {
        renameSync(path, `${path}.1`);
        writeFileSync(path, line("three"));
      }
      if (seen.length === 3) running = false;
    }
    expect(seen).toEqual(["one", "two", "three"]);
  });

  test("ends at --until although the container runs on", async () => {
    const seen: string[] = [];
    writeFileSync(path, line("old"));
    for await (const entry of followLog(path, { isRunning: () => true, until: Date.now() + 50 }))
      seen.push(entry.text.toString());
    expect(seen).toEqual(["old"]);
  });
});
