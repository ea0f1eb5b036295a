/** A store whose database is damaged, and one on a medium that cannot be written: what still works, what is said, and the way out. */
import { expect } from "bun:test";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, KELP, requires, run, useSandbox } from "../support/index.ts";

const box = useSandbox("323-sick-store");
const { test } = requires("busybox", "overlay", "subuid");
const data = join(box.directory, "data", "kelp");
const load = async () => box.ok(["load", "-q", "-i", await busyboxArchive()]);

/** From the third page on: the file is still a database, and nothing in it can be read. */
function damageDatabase(): void {
  const path = join(data, "kelp.db");
  const bytes = readFileSync(path);
  bytes.fill(0xa5, 2 * 4096);
  writeFileSync(path, bytes);
  for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
}

test("a damaged database is named with the way out, which keeps the volumes; a reset needs none", async () => {
  await load();
  await box.ok([
    "run",
    "--rm",
    "--network",
    "none",
    "-v",
    "kept:/v",
    BUSYBOX,
    "sh",
    "-c",
    "echo precious >/v/f",
  ]);
  await box.ok(["run", "-d", "--name", "runs", "--network", "none", BUSYBOX, "sleep", "300"]);
  const pid = Number(await box.ok(["inspect", "-f", "{{.State.Pid}}", "runs"]));
  damageDatabase();
  expect(await box.kelp(["ps", "-a"])).toEqual({
    code: 125,
    stdout: "",
    stderr: expect.stringMatching(/its content is damaged\nHint: move it away.*`kelp system check --repair`/),
  });
  renameSync(join(data, "kelp.db"), join(box.directory, "damaged.db"));
  for (const suffix of ["-wal", "-shm"]) rmSync(join(data, `kelp.db${suffix}`), { force: true });
  expect((await box.kelp(["system", "check", "--repair"])).stdout).toContain(
    "volume kept: its record is missing: repaired\n",
  );
  await load();
  const read = ["run", "--rm", "--network", "none", "-v", "kept:/v", BUSYBOX, "cat", "/v/f"];
  expect(await box.ok(read)).toBe("precious");
  expect(existsSync(`/proc/${pid}`)).toBe(true);

  damageDatabase();
  expect(await box.kelp(["system", "reset", "--force"])).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(existsSync(`/proc/${pid}`)).toBe(false);
  expect(readdirSync(data)).toEqual([]);
}, 120_000);

test("what only reads works on a read-only store, and the rest says why it does not", async () => {
  await load();
  await box.ok(["create", "--name", "there", BUSYBOX]);
  const script = `mount --bind ${data} ${data} && mount -o remount,ro,bind ${data} && exec "$@"`;
  const readOnly = (...args: string[]) =>
    run("unshare", ["-rm", "sh", "-c", script, "sh", KELP, ...args], { env: box.env });
  for (const args of [["ps", "-a"], ["images"], ["volume", "ls"], ["inspect", "there"]])
    expect(await readOnly(...args)).toMatchObject({ code: 0, stderr: "" });
  for (const args of [
    ["rm", "there"],
    ["volume", "create", "v"],
    ["system", "check"],
  ])
    expect(await readOnly(...args)).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/^Error: .*(read-only file system|cannot be written)\nHint: /),
    });
  expect((await readOnly("doctor")).stdout).toContain("is mounted read-only");
  await box.ok(["rm", "there"]);
}, 120_000);
