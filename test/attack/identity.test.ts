/** Attacks by names, numbers and capabilities, by the rows C1 to C5, E3, E8 and E9. */
import { beforeAll, describe, expect } from "bun:test";
import { lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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
  // What atoi, strtol, parseInt or a 32-bit cast would make a number of, among them 0.
  const refused = [
    ...[
      "+1",
      "-1",
      "+0",
      "-0",
      "1e3",
      "1.0",
      "0x0",
      "0x1",
      "0b1",
      "0o7",
      "1_000",
      "1,2",
      "1 ",
      "0 ",
      "nobody ",
    ],
    ...[
      "2147483648",
      "4294967294",
      "4294967295",
      "4294967296",
      "4294967297",
      "99999999999",
      "18446744073709551616",
    ],
    ...["9".repeat(400), ":0", ":", "root:", "1:2:3", "0:-1", "0:4294967296", "root:nosuch", "nosuch"],
    ...["\uff11", "\uff10", "\u0661", "-u", "--", "../root", "root\nroot"],
  ];
  const honest: readonly (readonly [string, string])[] = [
    ["1", "1:0"],
    ["007", "7:0"],
    ["0", "0:0"],
    ["5:7", "5:7"],
    ["root", "0:0"],
  ];
  // Entries that would match, whose uid is 0.
  const passwd = ["root", "99999999999", "+1", "1e3", "0x1", "-1", "4294967297"]
    .map((name) => `${name}:x:0:0::/:/bin/sh\n`)
    .join("");

  /** An image of these users, with USER; its name. */
  async function imageOf(user: string): Promise<string> {
    const files = busyboxFiles().map((file) =>
      file.name === "etc/passwd" ? { ...file, content: passwd } : file,
    );
    const path = join(box.directory, "users.tar");
    const options = { tags: ["localhost/users:latest"], config: { User: user } };
    writeFileSync(path, await dockerArchive([await makeTar(files)], options));
    await box.ok(["load", "-q", "-i", path]);
    return "localhost/users";
  }
  const look = ["sh", "-c", "echo $(id -u):$(id -g)"];
  const quiet = ["run", "--rm", "--network", "none"];

  test("are errors, and never uid 0: --user and exec --user", async () => {
    const image = await imageOf("");
    await box.ok(["run", "-d", "--name", "c3", "--network", "none", image, "sleep", "600"]);
    const ways = (user: string) => [
      [...quiet, `--user=${user}`, image, ...look],
      ["exec", `--user=${user}`, "c3", ...look],
    ];
    for (const user of refused) {
      for (const words of ways(user)) {
        const { code, stdout } = await box.kelp(words);
        expect({ words: words[0], user, ok: code === 0, stdout }).toEqual({
          words: words[0],
          user,
          ok: false,
          stdout: "",
        });
      }
    }
    for (const [user, ids] of honest)
      for (const words of ways(user)) expect([user, await box.ok(words)]).toEqual([user, ids]);
    // The greatest number there is is nobody's, but not root's.
    expect((await box.kelp([...quiet, "--user=2147483647", image, ...look])).stdout).not.toStartWith("0:");
    await box.ok(["rm", "-f", "-t", "0", "c3"]);
  }, 120_000);

  test("are errors as an image's USER, in run, in a build's steps and in health checks", async () => {
    for (const user of refused.filter((_, index) => index % 3 === 0)) {
      const image = await imageOf(user);
      const { code, stdout } = await box.kelp([...quiet, image, ...look]);
      expect({ user, ok: code === 0, stdout }).toEqual({ user, ok: false, stdout: "" });
    }
    const image = await imageOf("");
    for (const user of ["+1", "1e3", "4294967296", "4294967297", "99999999999", "-1"]) {
      const file = join(box.directory, "Dockerfile.c3");
      writeFileSync(file, `FROM ${image}\nUSER ${user}\nRUN echo ran as $(id -u)\n`);
      const { code, stdout, stderr } = await box.kelp(["build", "--no-cache", "-f", file, box.directory]);
      expect({ user, ok: code === 0 }).toEqual({ user, ok: false });
      expect(stdout + stderr).not.toContain("ran as 0\n");
    }
    const checked = await imageOf("1");
    const check = ["--health-cmd", "id -u", "--health-interval", "disable"];
    await box.ok(["run", "-d", "--name", "c3h", "--network", "none", ...check, checked, "sleep", "60"]);
    await box.ok(["healthcheck", "run", "c3h"]);
    const output = ["inspect", "-f", "{{(index .State.Health.Log 0).Output}}", "c3h"];
    expect((await box.ok(output)).trim()).toBe("1");
    await box.ok(["rm", "-f", "-t", "0", "c3h"]);
  }, 120_000);
});

describe("C4, E3: what was asked for is what is", () => {
  test("read from outside: privileges, filter, capabilities, ids and limits of the first process", async () => {
    const flags = [
      ...["--security-opt", "no-new-privileges", "--cap-drop", "all", "--cap-add", "CHOWN,KILL"],
      ...["--userns", "auto:size=1500", "--user", "7:8", "--ulimit", "nofile=77:88", "--umask", "0027"],
    ];
    await box.ok(["run", "-d", "--name", "c4", "--network", "none", ...flags, BUSYBOX, "sleep", "60"]);
    const pid = await box.ok(["inspect", "-f", "{{.State.Pid}}", "c4"]);
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const field = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, "m").exec(status)?.[1];
    const names = [
      "NoNewPrivs",
      "Seccomp",
      "Seccomp_filters",
      "CapInh",
      "CapEff",
      "CapBnd",
      "CapAmb",
      "Umask",
    ];
    const both = "0000000000000021";
    expect(names.map(field)).toEqual(["1", "2", "1", both, both, both, both, "0027"]);
    expect(readFileSync(`/proc/${pid}/uid_map`, "utf8").trim().split(/\s+/)).toEqual([
      "0",
      expect.any(String),
      "1500",
    ]);
    expect(readFileSync(`/proc/${pid}/limits`, "utf8")).toMatch(/open files\s+77\s+88/);
    // A filter that cannot be had fails the start rather than being left out.
    const profile = join(box.directory, "none.json");
    writeFileSync(profile, '{"defaultAction": "SCMP_ACT_NOSUCH"}');
    expect(await run(["--security-opt", `seccomp=${profile}`], "true")).toMatchObject({
      code: 125,
      stdout: "",
    });
    await box.ok(["rm", "-f", "-t", "0", "c4"]);
  });

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
