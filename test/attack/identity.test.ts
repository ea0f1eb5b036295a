/** Attacks by names, numbers and capabilities, by the rows C1 to C5, E3, E8 and E9. */
import { beforeAll, describe, expect } from "bun:test";
import { lstatSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  BUSYBOX,
  busyboxArchive,
  busyboxFiles,
  dockerArchive,
  makeTar,
  requires,
  useSandbox,
} from "../support/index.ts";

const box = useSandbox("attack-identity");
const { test } = requires("busybox", "overlay", "subuid");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

const run = (flags: readonly string[], ...command: string[]) =>
  box.kelp(["run", "--rm", "--network", "none", ...flags, BUSYBOX, ...command]);

const capabilities = (text: string) =>
  Object.fromEntries(
    text
      .trim()
      .split("\n")
      .map((line) => line.split(":\t") as [string, string]),
  );

describe("C1: capabilities", () => {
  test("nothing is inheritable or ambient, and another user has none", async () => {
    const seen = capabilities((await run([], "grep", "^Cap", "/proc/self/status")).stdout);
    expect([seen.CapInh, seen.CapAmb].map((word) => BigInt(`0x${word}`))).toEqual([0n, 0n]);
    for (const flags of [
      ["--user", "1000"],
      ["--user", "1000", "--privileged"],
      ["--cap-drop", "all"],
    ]) {
      const own = capabilities((await run(flags, "grep", "^Cap", "/proc/self/status")).stdout);
      expect({ flags, effective: BigInt(`0x${own.CapEff}`) }).toEqual({ flags, effective: 0n });
    }
  });

  test("exec gets no more than the container has", async () => {
    await box.ok([
      "run",
      "-d",
      "--name",
      "c1",
      "--network",
      "none",
      "--cap-drop",
      "all",
      BUSYBOX,
      "sleep",
      "60",
    ]);
    const own = capabilities(await box.ok(["exec", "c1", "grep", "^Cap", "/proc/self/status"]));
    expect([own.CapEff, own.CapBnd].map((word) => BigInt(`0x${word}`))).toEqual([0n, 0n]);
    await box.ok(["rm", "-f", "-t", "0", "c1"]);
  });
});

describe("C3: user strings that are read as root", () => {
  const refused = [
    "+1",
    "-1",
    "1e3",
    "2147483648",
    "4294967295",
    "4294967296",
    "99999999999",
    ":0",
    "root:",
    "1:2:3",
    "１",
    "0x0",
    "nobody ",
    "-u",
  ];

  test("are errors, and never uid 0", async () => {
    const passwd =
      "root:x:0:0::/:/bin/sh\n99999999999:x:0:0::/:/bin/sh\n+1:x:0:0::/:/bin/sh\n1e3:x:0:0::/:/bin/sh\n";
    const files = busyboxFiles().map((file) =>
      file.name === "etc/passwd" ? { ...file, content: passwd } : file,
    );
    const path = join(box.directory, "users.tar");
    writeFileSync(path, await dockerArchive([await makeTar(files)], { tags: ["localhost/users:latest"] }));
    await box.ok(["load", "-i", path]);
    for (const user of refused) {
      const { code, stdout } = await box.kelp([
        "run",
        "--rm",
        "--network",
        "none",
        `--user=${user}`,
        "localhost/users",
        "id",
        "-u",
      ]);
      expect({ user, ok: code === 0, stdout }).toEqual({ user, ok: false, stdout: "" });
    }
    for (const [user, uid] of [
      ["1", "1"],
      ["007", "7"],
      ["0", "0"],
      ["2147483647", undefined],
    ] as const) {
      const { stdout } = await run([`--user=${user}`], "id", "-u");
      expect({ user, uid: uid === undefined ? "not 0" : stdout.trim() }).toEqual({
        user,
        uid: uid ?? "not 0",
      });
      if (uid === undefined) expect(stdout.trim()).not.toBe("0");
    }
  }, 30_000);
});

describe("C4, E3: what was asked for is what is", () => {
  test("exec has the namespaces, filter, privileges and limits of the container", async () => {
    await box.ok([
      "run",
      "-d",
      "--name",
      "e3",
      "--network",
      "none",
      "--security-opt",
      "no-new-privileges",
      "--ulimit",
      "nofile=77:88",
      BUSYBOX,
      "sleep",
      "60",
    ]);
    const script = (who: string) =>
      `for n in cgroup ipc mnt net pid user uts; do readlink /proc/${who}/ns/$n; done; grep -E 'NoNewPrivs|Seccomp:|Seccomp_filters|CapBnd' /proc/${who}/status; grep 'open files' /proc/${who}/limits; readlink /proc/${who}/root`;
    const first = await box.ok(["exec", "e3", "sh", "-c", script("1")]);
    const own = await box.ok(["exec", "e3", "sh", "-c", script("self")]);
    expect(own).toBe(first);
    expect(first).toMatch(/NoNewPrivs:\t1\nSeccomp:\t2/);
    expect(first).toMatch(/open files\s+77\s+88/);
    await box.ok(["rm", "-f", "-t", "0", "e3"]);
  });
});

describe("C5: the store", () => {
  test("lets nobody else in, whatever the umask it was made under", async () => {
    const data = (await box.ok(["info", "--format", "{{.Store.GraphRoot}}"])).trim();
    expect(lstatSync(data).mode & 0o077).toBe(0);
    for (const name of readdirSync(join(data, "containers")))
      expect(lstatSync(join(data, "containers", name)).mode & 0o077).toBe(0);
  });
});

describe("E8, E9: names that are options or paths", () => {
  const names = ["../x", "a/b", ".", "..", "--help", "-v", "a\nb", "a\u001b[2J", "x".repeat(4096), "é"];

  test("are refused for containers, volumes and secrets, and nothing is made", async () => {
    writeFileSync(join(box.directory, "value"), "v");
    for (const name of names) {
      for (const command of [
        ["create", `--name=${name}`, BUSYBOX],
        ["volume", "create", "--", name],
        ["secret", "create", "--", name, join(box.directory, "value")],
      ]) {
        const { code, stderr } = await box.kelp(command);
        const control = [...stderr].some((char) => char < " " && char !== "\n" && char !== "\t");
        if (command[0] === "secret" && !/[,/=]/.test(name) && name.length <= 253) continue;
        expect({ command, ok: code === 0, control }).toEqual({ command, ok: false, control: false });
      }
    }
  }, 30_000);
});
