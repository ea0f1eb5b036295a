/** The store as a whole: what it takes, what is pruned, what damage is found and mended, and its end. */

import { beforeEach, expect } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("320-store");
const { test } = requires("overlay");
const data = join(box.directory, "data", "kelp");
const check = (...args: string[]) => box.kelp(["system", "check", ...args]);
const firstLayer = () =>
  join(data, "layers", readdirSync(join(data, "layers")).filter((name) => /^\d+$/.test(name))[0]!);

async function load(): Promise<void> {
  await box.ok(["load", "-i", await busyboxArchive()]);
}

/** The same image with its layer compressed: the blob is kept then. */
async function loadCompressed(): Promise<void> {
  const archive = join(box.directory, "compressed.tar");
  if (!existsSync(archive)) {
    await load();
    await box.ok(["save", "--format", "oci-archive", "-o", archive, BUSYBOX]);
    await box.ok(["system", "reset", "--force"]);
  }
  await box.ok(["load", "-i", archive]);
}

/** Other bytes at the beginning of a file, which keeps its length. */
function overwrite(path: string, text: string): void {
  const fd = openSync(path, "r+");
  writeSync(fd, text);
  closeSync(fd);
}

beforeEach(async () => {
  await box.ok(["system", "reset", "--force"]);
});

test("df counts what du counts, of files of other users too, and everything is gone after pruning", async () => {
  await load();
  const script =
    "dd if=/dev/zero of=/x bs=1M count=3 2>/dev/null; mkdir /p; dd if=/dev/zero of=/p/y bs=1M count=1 2>/dev/null; chown 5:5 /p /p/y; chmod 700 /p";
  await box.ok(["run", "--name", "c", "-v", "/v", BUSYBOX, "sh", "-c", script]);
  const report = JSON.parse(await box.ok(["system", "df", "--format", "json"]));
  // Four megabytes, and some directories.
  expect(report[1].RawSize).toBeGreaterThanOrEqual(4 << 20);
  expect(report[1].RawSize).toBeLessThan((4 << 20) + (64 << 10));
  expect(
    report.map((row: { Type: string; Total: number; Active: number }) => [row.Type, row.Total, row.Active]),
  ).toEqual([
    ["Images", 1, 1],
    ["Containers", 1, 0],
    ["Local Volumes", 1, 1],
  ]);
  const pruned = await box.ok(["system", "prune", "--all", "--volumes", "--force"]);
  expect(pruned).toMatch(
    /^Deleted Containers\n[0-9a-f]{64}\nDeleted Volumes\n[0-9a-f]{64}\nDeleted Images\n[0-9a-f]{64}\nTotal reclaimed space: /,
  );
  expect(files()).toEqual([]);
});

/** Everything but the database, the lock, the log of events and directories. */
function files(): string[] {
  return readdirSync(data, { recursive: true, encoding: "utf8" }).filter(
    (name) =>
      !/^(kelp\.db|store\.lock|events\.log|runtime$)/.test(name) && !statSync(join(data, name)).isDirectory(),
  );
}

test("a sound store is found sound", async () => {
  await load();
  await box.ok(["run", "--name", "c", BUSYBOX, "sh", "-c", "rm /etc/group; echo x >/x"]);
  await box.ok(["commit", "-q", "c", "changed"]);
  await box.ok(["volume", "create", "v"]);
  expect(await check()).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("a layer that was written to is found, and unpacked again from what is kept", async () => {
  await loadCompressed();
  appendFileSync(join(firstLayer(), "etc/passwd"), "evil:x:0:0::/:/bin/sh\n");
  const found = await check();
  expect([found.code, found.stdout]).toEqual([
    125,
    expect.stringMatching(/^layer [0-9a-f]{12}: content modified: the looks of "etc\/passwd" changed\n$/),
  ]);
  expect((await check("--repair")).code).toBe(0);
  expect(await check()).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(await box.ok(["run", "--rm", BUSYBOX, "cat", "/etc/passwd"])).not.toContain("evil");
});

test("a layer that came plain is found damaged, and stays until it is given up with --force", async () => {
  await load();
  await box.ok(["create", "--name", "c", BUSYBOX]);
  overwrite(join(firstLayer(), "etc/passwd"), "evil");
  expect((await check("--repair")).stdout).toMatch(
    /^layer [0-9a-f]{12}: checksum failed: .*: not repaired\n$/,
  );
  expect(await box.ok(["images", "-q"])).not.toBe("");
  await check("--repair", "--force");
  expect(await box.ok(["images", "-q"])).toBe("");
  expect(await check()).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("a file that was added to a layer is found and removed", async () => {
  await load();
  chmodSync(firstLayer(), 0o755);
  await Bun.write(join(firstLayer(), "etc/added"), "x");
  expect((await check("--repair")).stdout).toMatch(/content modified: "etc\/added" was added: repaired\n$/);
  expect(await box.ok(["run", "--rm", BUSYBOX, "ls", "/etc"])).not.toContain("added");
});

test("a config that is missing is written again", async () => {
  await load();
  const id = await box.ok(["images", "-q", "--no-trunc"]);
  rmSync(join(data, "blobs", "sha256", id.replace("sha256:", "")));
  const { code, stdout } = await check("--repair");
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `image ${id.slice(7, 19)}: image data item is missing: ${id}: repaired\n`,
  });
  expect(await check()).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("what killed processes left is listed and removed; a volume's data is kept", async () => {
  await load();
  await box.ok(["volume", "create", "lost"]);
  mkdirSync(join(data, "layers", "999"));
  mkdirSync(join(data, "layers", ".new-killed"));
  const place = join(data, "volumes", "lost");
  await Bun.write(join(place, "_data", "f"), "kept");
  renameSync(place, join(data, "volumes", "found"));
  const { code, stdout } = await check("--repair");
  expect(code).toBe(125);
  expect(stdout.split("\n").sort()).toEqual([
    "",
    "layer .new-killed: layer in lower level storage driver not accounted for: repaired",
    "layer 999: layer in lower level storage driver not accounted for: repaired",
    "volume found: its record is missing: repaired",
    "volume lost: its directory is missing: not repaired",
  ]);
  expect(readdirSync(join(data, "layers")).filter((name) => !/^(\d|empty)/.test(name))).toEqual([]);
  expect(existsSync(join(data, "layers", "999"))).toBe(false);
  expect(await box.ok(["volume", "exists", "found"])).toBe("");
});

test("reset ends what runs and leaves nothing, not even files of other users", async () => {
  await load();
  await box.ok([
    "run",
    "-d",
    "--name",
    "live",
    "-v",
    "v:/v",
    BUSYBOX,
    "sh",
    "-c",
    "touch /v/f; chown 7:7 /v/f /v; chmod 700 /v; sleep 300",
  ]);
  await Bun.sleep(300);
  await box.ok(["system", "reset", "--force"]);
  expect(existsSync(data) ? readdirSync(data) : []).toEqual([]);
  expect(await box.ok(["ps", "-aq"])).toBe("");
});
