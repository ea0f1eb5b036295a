import { beforeAll, describe, expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("190-runtimes");
const { test: always } = requires("busybox", "overlay", "subuid");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

const quiet = ["--network", "none"];

describe.each(["crun", "runc"] as const)("containers that %s makes", (runtime) => {
  const { test } = requires(runtime, "busybox", "overlay", "subuid", "cgroup2");
  const kelp = (args: readonly string[]) => box.kelp(["--runtime", runtime, ...args]);
  const ok = (args: readonly string[], stdin?: string) =>
    box.ok(["--runtime", runtime, ...args], stdin === undefined ? {} : { stdin });

  test("run as those of holdfast: output, status, standard input, filter, ids", async () => {
    const script = "cat; id -u; grep Seccomp: /proc/self/status; exit 7";
    const { code, stdout, stderr } = await box.kelp(
      ["--runtime", runtime, "run", "--rm", "-i", ...quiet, BUSYBOX, "sh", "-c", script],
      { stdin: "in\n" },
    );
    expect({ code, stdout, stderr }).toEqual({ code: 7, stdout: "in\n0\nSeccomp:\t2\n", stderr: "" });
  });

  test("tell a command that is missing from one that may not be run", async () => {
    const missing = await kelp(["run", "--rm", ...quiet, BUSYBOX, "nosuch190"]);
    expect({ code: missing.code, stdout: missing.stdout }).toEqual({ code: 127, stdout: "" });
    expect(missing.stderr).toContain("attempted to invoke a command that was not found");
    const directory = await kelp(["run", "--rm", ...quiet, BUSYBOX, "/etc"]);
    expect({ code: directory.code, stdout: directory.stdout }).toEqual({ code: 126, stdout: "" });
    expect(await ok(["ps", "-aq"])).toBe("");
  });

  test("live on in the background: exec, top, logs, kill, stop, start, rm", async () => {
    const name = `c190-${runtime}`;
    const script = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.1; done";
    await ok(["run", "-d", "--name", name, ...quiet, BUSYBOX, "sh", "-c", script]);
    expect(await ok(["inspect", name, "--format", "{{.OCIRuntime}} {{.State.Status}}"])).toBe(
      `${runtime} running`,
    );
    const exec = await kelp(["exec", "-i", "-u", "5", name, "sh", "-c", "id -u; exit 9"]);
    expect(exec).toEqual({ code: 9, stdout: "5\n", stderr: "" });
    expect((await kelp(["exec", name, "nosuch190"])).code).toBe(127);
    expect(await ok(["exec", "-t", name, "tty"])).toMatch(/^\/dev\/pts\/\d+\r?$/);
    expect(await ok(["top", name, "args"])).toContain("sleep 0.1");
    await ok(["stop", name]);
    expect(await ok(["logs", name])).toBe("up\nbye");
    expect(await ok(["inspect", name, "--format", "{{.State.ExitCode}}"])).toBe("3");
    await ok(["start", name]);
    await ok(["kill", name]);
    expect(await ok(["inspect", name, "--format", "{{.State.ExitCode}}"])).toBe("137");
    await ok(["rm", name]);
    expect(readdirSync(join(box.runtime, "kelp", "oci"))).toEqual([]);
  });

  test("have terminals, mounts, own ids and settings of their network", async () => {
    expect(await ok(["run", "--rm", "-t", ...quiet, BUSYBOX, "tty"])).toMatch(/^\/dev\/pts\/0\r?$/);
    const flags = ["--read-only", "--tmpfs", "/t:size=1m", "--sysctl", "net.ipv4.ping_group_range=0 5"];
    const script = "touch /t/a && ! touch /x 2>/dev/null && cat /proc/sys/net/ipv4/ping_group_range";
    expect(await ok(["run", "--rm", ...flags, ...quiet, BUSYBOX, "sh", "-c", script])).toBe("0\t5");
    const uid = String(process.getuid?.());
    expect(await ok(["run", "--rm", "--userns", "keep-id", ...quiet, BUSYBOX, "id", "-u"])).toBe(uid);
  });

  test("refuse by name what only holdfast does", async () => {
    const { code, stderr } = await kelp(["run", "--rm", "--init", ...quiet, BUSYBOX, "true"]);
    expect({ code, stderr }).toEqual({
      code: 125,
      stderr: `Error: cannot use --init with --runtime ${runtime}: the small init is holdfast's\n`,
    });
  });

  test("say what the runtime said about a flag it does not know", async () => {
    const { code, stderr } = await kelp([
      "--runtime-flag",
      "bogus190",
      "run",
      "--rm",
      ...quiet,
      BUSYBOX,
      "true",
    ]);
    expect(code).toBe(126);
    expect(stderr).toContain("bogus190");
  });
});

describe("containers that runsc makes", () => {
  const { test } = requires("runsc", "busybox", "overlay", "subuid");
  // Debian 12's runsc finds its containers only from within their network, so they have the host's.
  const host = ["--network", "host"];
  const kelp = (args: readonly string[], stdin = "") => box.kelp(["--runtime", "runsc", ...args], { stdin });
  const ok = (args: readonly string[]) => box.ok(["--runtime", "runsc", ...args]);

  test("run under a kernel of their own: output, status, standard input", async () => {
    const script = "cat; id -u; dmesg | head -1; exit 7";
    const { code, stdout, stderr } = await kelp(
      ["run", "--rm", "-i", ...host, BUSYBOX, "sh", "-c", script],
      "in\n",
    );
    expect({ code, stderr }).toEqual({ code: 7, stderr: "" });
    expect(stdout).toMatch(/^in\n0\n\[.*\] Starting gVisor\.\.\.\n$/);
  });

  test("tell a command that is missing, and leave nothing", async () => {
    const { code, stderr } = await kelp(["run", "--rm", ...host, BUSYBOX, "nosuch190"]);
    expect(code).toBe(127);
    expect(stderr).toContain("attempted to invoke a command that was not found");
    expect(await ok(["ps", "-aq"])).toBe("");
  });

  test("live on in the background: exec, logs, stop, kill, rm", async () => {
    const script = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.1; done";
    await ok(["run", "-d", "--name", "g190", ...host, BUSYBOX, "sh", "-c", script]);
    expect((await kelp(["exec", "-u", "5", "g190", "sh", "-c", "id -u; exit 9"])).stdout).toBe("5\n");
    expect((await kelp(["exec", "g190", "sh", "-c", "exit 9"])).code).toBe(9);
    await ok(["stop", "g190"]);
    expect(await ok(["logs", "g190"])).toBe("up\nbye");
    expect(await ok(["inspect", "g190", "--format", "{{.State.ExitCode}}"])).toBe("3");
    await ok(["start", "g190"]);
    await ok(["kill", "g190"]);
    expect(await ok(["inspect", "g190", "--format", "{{.State.ExitCode}}"])).toBe("137");
    await ok(["rm", "g190"]);
    expect(readdirSync(join(box.runtime, "kelp", "oci"))).toEqual([]);
  });
});

describe("--runtime", () => {
  always("names a runtime that is there, or is refused", async () => {
    const { code, stderr } = await box.kelp(["--runtime", "nosuch190", "run", "--rm", BUSYBOX, "true"]);
    expect(code).toBe(125);
    expect(stderr).toContain('Error: default OCI runtime "nosuch190" not found');
  });

  always("has flags that holdfast refuses", async () => {
    const { code, stderr } = await box.kelp(["--runtime-flag", "debug", "run", "--rm", BUSYBOX, "true"]);
    expect(code).toBe(126);
    expect(stderr).toContain("cannot pass --debug to the runtime: holdfast takes no flags");
  });
});
