/** System calls a container must not have, by the rows K2, K3, K4, K5, K6, K7, K10 and T1, tried from inside through every ABI. */
import { beforeAll, describe, expect } from "bun:test";
import { HOSTILE, requires, useSandbox, writeHostileArchive } from "../support/index.ts";

const box = useSandbox("attack-calls");
const { test } = requires("busybox", "overlay", "subuid", "cc");
const OFF = ["--security-opt", "seccomp=unconfined"];
const EPERM = "1";
const ENOSYS = "38";

beforeAll(async () => {
  await box.ok(["load", "-i", await writeHostileArchive(box.directory)]);
});

const hostile = (flags: readonly string[], ...args: string[]) =>
  box.ok(["run", "--rm", "--network", "none", ...flags, HOSTILE, "hostile", ...args]);

describe("K2: socket families", () => {
  test("are UNIX, INET, INET6 and NETLINK, through every ABI and with any high bits", async () => {
    expect((await hostile([], "sockets")).trim()).toBe("1 2 10 16");
  });

  test("are more without the filter, so it is the filter", async () => {
    expect((await hostile(OFF, "sockets")).trim()).toMatch(/^1 2 10 16 \d/);
  });
});

/** `{"native bpf": errno, …}` of every call and ABI. */
async function verdicts(flags: readonly string[]): Promise<Map<string, string>> {
  const lines = (await hostile(flags, "calls")).trim().split("\n");
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), line.split(" ").at(-1)!]));
}

describe("K3, K4, K5, K6, K10: keyrings, io_uring, bpf, mounts and what only exploits want", () => {
  test("are refused or do not exist, in run and in exec, natively and as x32 and i386", async () => {
    const seen = await verdicts([]);
    expect(seen.size).toBeGreaterThan(30);
    expect([...seen].filter(([, errno]) => errno !== EPERM && errno !== ENOSYS)).toEqual([]);
    await box.ok(["run", "-d", "--name", "calls", "--network", "none", HOSTILE, "sleep", "300"]);
    const inside = await box.ok(["exec", "calls", "hostile", "calls"]);
    expect(inside).toBe([...seen].map(([call, errno]) => `${call} ${errno}`).join("\n"));
    await box.ok(["rm", "-f", "-t", "0", "calls"]);
  });

  test("are reached without the filter, so it is the filter", async () => {
    const seen = await verdicts(OFF);
    for (const call of ["keyctl", "process_vm_readv", "open_tree"])
      expect([call, [EPERM, ENOSYS]]).not.toEqual([
        call,
        expect.arrayContaining([seen.get(`native ${call}`)]),
      ]);
  });

  test("K6: a call younger than the filter does not exist", async () => {
    const seen = await verdicts([]);
    for (const call of ["statmount", "listmount", "open_tree_attr", "clone3"])
      expect([call, seen.get(`native ${call}`)]).toEqual([call, ENOSYS]);
  });

  test("K10: nobody puts the filter of another to sleep", async () => {
    expect((await hostile([], "suspend")).trim()).toBe(EPERM);
    expect((await hostile(["--cap-add", "SYS_PTRACE,SYS_ADMIN"], "suspend")).trim()).toBe(EPERM);
  });
});

describe("K7: what a C library falls back from", () => {
  test("threads, spawn, faccessat2, openat2 and statx work", async () => {
    const works = ["threads", "spawn", "faccessat2", "openat2", "statx"].map((name) => `${name} 1`);
    expect(await hostile([], "libc")).toBe(works.join("\n"));
  });
});

/** Runs kelp on a terminal of its own; gives all that appeared there. */
async function onTerminal(args: readonly string[]): Promise<{ code: number; screen: string }> {
  let screen = "";
  const { KELP } = await import("../support/index.ts");
  const child = Bun.spawn([KELP, ...args], {
    env: box.env,
    cwd: box.directory,
    terminal: {
      cols: 80,
      rows: 24,
      data: (_: unknown, bytes: Uint8Array) => {
        screen += new TextDecoder().decode(bytes);
      },
    },
  });
  const code = await child.exited;
  return { code, screen: screen.replaceAll("\r", "") };
}

describe("T1, T2: typing into the caller's terminal", () => {
  test("no descriptor takes a character, with a terminal and without, in run and in exec", async () => {
    await box.ok(["run", "-d", "--name", "typing", "--network", "none", HOSTILE, "sleep", "300"]);
    for (const [flags, tty] of [
      [[], "none"],
      [["-i"], "none"],
      [["-it"], "open"],
    ] as const) {
      const run = ["run", "--rm", "--network", "none", ...flags, HOSTILE, "hostile", "typing"];
      for (const args of [run, ["exec", ...flags, "typing", "hostile", "typing"]])
        expect({ args, ...(await onTerminal(args)) }).toEqual({ args, code: 0, screen: `tty ${tty}\n` });
    }
    await box.ok(["rm", "-f", "-t", "0", "typing"]);
  });
});
