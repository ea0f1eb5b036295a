import { describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { spawnSync } from "bun";
import { reopenLog } from "../../src/runtime/monitor-client.ts";
import { HOST, logLines, UNIT, until, useMonitorHost } from "./monitor-host.ts";

const host = useMonitorHost();
/** What the container wrote, from its log. */
const joined = (text: string): string =>
  logLines(text)
    .map((line) => line.slice("stdout P ".length) + (line.startsWith("stdout F") ? "\n" : ""))
    .join("");
const sh = (script: string): string[] => ["sh", "-c", script];

describe("the monitor's log", () => {
  test("the small functions pass their own checks", () => {
    const h = host();
    const done = spawnSync([UNIT, h.dir]);
    expect(done.stdout.toString()).not.toContain("not ok");
    expect(done.exitCode).toBe(0);
  });

  test("has a line a line with time, stream and tag; an unfinished one is partial at once", async () => {
    const h = host();
    await h.monitor(
      ["-l", h.log],
      sh("printf 'one\\ntwo'; echo err >&2; sleep 0.1; printf ' and\\n\\n'; exec sleep 9"),
    );
    await until("four lines", () => logLines(h.read("log")).length === 5);
    const lines = logLines(h.read("log"));
    expect(lines.filter((line) => line.startsWith("stdout"))).toEqual([
      "stdout F one",
      "stdout P two",
      "stdout F  and",
      "stdout F ",
    ]);
    expect(lines).toContain("stderr F err");
    expect(h.read("log")).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+00:00 stdout F one\n/);
  });

  test("keeps every byte of long lines, in partial records", () => {
    const h = host();
    const done = h.run(
      "run",
      ["-l", h.log, "-c", "2"],
      sh("head -c 300000 /dev/zero | tr '\\0' x; echo; echo end"),
    );
    expect(done.stdout.length).toBe(300_005);
    expect(joined(h.read("log"))).toBe(done.stdout);
  });

  test("is rotated before it grows beyond its limit, losing only what is older than the last file kept", () => {
    const h = host();
    h.run(
      "run",
      ["-l", h.log, "-m", "20000", "-k", "2"],
      sh("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done"),
    );
    for (const name of ["log", "log.1", "log.2"])
      expect(statSync(join(h.dir, name)).size).toBeLessThanOrEqual(20_000);
    expect(existsSync(join(h.dir, "log.3"))).toBe(false);
    const numbers = joined(["log.2", "log.1", "log"].map(h.read).join(""))
      .split("\n")
      .slice(1, -1)
      .map((line) => Number(line.split(" ").at(-1)));
    const first = numbers[0] ?? 0;
    expect(numbers).toEqual(Array.from({ length: 3000 - first }, (_, i) => first + i));
  });

  test("a limit with no old files kept starts the file anew", () => {
    const h = host();
    h.run("run", ["-l", h.log, "-m", "1000", "-k", "0"], sh("seq 1 500"));
    expect(statSync(h.log).size).toBeLessThanOrEqual(1000);
    expect(logLines(h.read("log")).at(-1)).toBe("stdout F 500");
    expect(existsSync(`${h.log}.1`)).toBe(false);
  });

  test("a link, FIFO or directory in its place is refused before anything starts", () => {
    for (const replace of [
      (path: string, other: string) => symlinkSync(other, path),
      (path: string) => void spawnSync(["mkfifo", path]),
      (path: string) => mkdirSync(path),
    ]) {
      const h = host();
      const other = join(h.dir, "other");
      writeFileSync(other, "untouched");
      replace(h.log, other);
      const done = h.run("run", ["-l", h.log], sh(`touch ${h.dir}/ran`));
      expect(done.code).toBe(125);
      expect(existsSync(join(h.dir, "ran"))).toBe(false);
      expect(existsSync(h.socket)).toBe(false);
      expect(readFileSync(other, "utf8")).toBe("untouched");
    }
  });

  test("a link put in its place later is not followed by a rotation", async () => {
    const h = host();
    const other = join(h.dir, "other");
    writeFileSync(other, "untouched");
    const script = `echo a; while [ ! -e ${h.dir}/go ]; do sleep 0.01; done; seq 1 100; exec sleep 9`;
    await h.monitor(["-l", h.log, "-m", "500", "-k", "1"], sh(script));
    await until("the first line", () => h.read("log").includes("F a"));
    renameSync(h.log, join(h.dir, "moved"));
    symlinkSync(other, h.log);
    writeFileSync(join(h.dir, "go"), "");
    await until("the last line", () => h.read("log").includes("F 100"));
    expect(lstatSync(h.log).isFile()).toBe(true);
    expect(readFileSync(other, "utf8")).toBe("untouched");
  });

  test("reopenLog() goes on in a new file", async () => {
    const h = host();
    await h.monitor(
      ["-l", h.log, "-s", "1"],
      sh(`echo a; while [ ! -e ${h.dir}/go ]; do sleep 0.01; done; echo b; exec sleep 9`),
    );
    await until("the first line", () => h.read("log").includes("F a"));
    renameSync(h.log, join(h.dir, "old"));
    expect(await reopenLog(h.socket)).toBe(true);
    await until("a new file", () => existsSync(h.log));
    writeFileSync(join(h.dir, "go"), "");
    await until("the second line", () => h.read("log").includes("F b"));
    expect(lstatSync(h.log).isFile()).toBe(true);
    expect(h.read("old")).not.toContain("F b");
  });

  test("a full disk costs log lines, never whole records' form and never the container", () => {
    const h = host();
    /* A file size limit stands for the full disk: writes beyond it fail in the middle of a record. */
    const script = `ulimit -f 20; exec ${HOST} run ${h.dir} -l ${h.log} -- sh -c 'seq 1 5000; exit 3'`;
    const done = spawnSync(["sh", "-c", script], { timeout: 20_000 });
    expect(done.exitCode).toBe(3);
    expect(done.stdout.toString().trim().split("\n").length).toBe(5000);
    expect(h.read("lost")).toBe("27"); // EFBIG
    const text = h.read("log");
    expect(text.length).toBeGreaterThan(5_000);
    expect(text.endsWith("\n")).toBe(true);
    expect(logLines(text).every((line) => /^stdout F \d+$/.test(line))).toBe(true);
  });
});
