import { beforeAll, describe, expect } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import {
  BUSYBOX,
  busyboxArchive,
  KELP,
  requires,
  run,
  useSandbox,
  useUserManager,
} from "../support/index.ts";

const box = useSandbox("081-scopes");
const { test, missing } = requires("cgroup2", "usersystemd", "busybox", "overlay");
const manager = missing === undefined ? useUserManager(box) : undefined;

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

const inspect = (name: string, field: string) => box.ok(["inspect", "-f", `{{${field}}}`, name]);
const group = (path: string) => join("/sys/fs/cgroup", path);
const members = (path: string) =>
  readFileSync(join(path, "cgroup.procs"), "utf8").split("\n").filter(Boolean);

function scopes(): string[] {
  const slice = join(manager?.group ?? "", "user.slice");
  return existsSync(slice) ? readdirSync(slice).filter((name) => name.endsWith(".scope")) : [];
}

/** systemd looks at an empty scope in its own time. */
async function untilNone(): Promise<string[]> {
  for (let tries = 0; tries < 100 && scopes().length > 0; tries++) await Bun.sleep(50);
  return scopes();
}

describe("where the user has a systemd", () => {
  test("a container gets a scope: its processes are in one half, its monitor in the other", async () => {
    const id = await box.ok(["run", "-d", "--name", "c081a", BUSYBOX, "sleep", "60"]);
    const path = await inspect("c081a", ".State.CgroupPath");
    expect(group(path)).toBe(join(manager!.group, "user.slice", `kelp-${id}.scope`, "container"));
    expect(await inspect("c081a", ".HostConfig.CgroupManager")).toBe("systemd");
    expect(await inspect("c081a", ".HostConfig.CgroupParent")).toBe("user.slice");
    expect(members(group(path))).toEqual([await inspect("c081a", ".State.Pid")]);
    expect(members(join(group(path), "..", "runtime"))).toEqual([await inspect("c081a", ".State.ConmonPid")]);
    await box.ok(["rm", "-f", "-t", "0", "c081a"]);
    expect(await untilNone()).toEqual([]);
  });

  test("it can be paused, counted and entered", async () => {
    await box.ok(["run", "-d", "--name", "c081b", BUSYBOX, "sleep", "60"]);
    await box.ok(["pause", "c081b"]);
    expect(await inspect("c081b", ".State.Status")).toBe("paused");
    await box.ok(["unpause", "c081b"]);
    expect(await box.ok(["exec", "c081b", "grep", "^0::", "/proc/self/cgroup"])).toBe("0::/");
    expect(await box.ok(["stats", "--no-stream", "--format", "{{.PIDS}}", "c081b"])).toBe("1");
    await box.ok(["rm", "-f", "-t", "0", "c081b"]);
  });

  test("one that starts again gets its scope again, and one after a kill of its monitor as well", async () => {
    await box.ok(["run", "--name", "c081c", BUSYBOX, "true"]);
    expect(await box.kelp(["start", "-a", "c081c"])).toEqual({ code: 0, stdout: "", stderr: "" });
    await box.ok(["run", "-d", "--name", "c081d", BUSYBOX, "sleep", "60"]);
    process.kill(Number(await inspect("c081d", ".State.ConmonPid")), "SIGKILL");
    await box.ok(["wait", "c081d"]);
    await box.ok(["start", "c081d"]);
    expect(await inspect("c081d", ".State.Running")).toBe("true");
    await box.ok(["rm", "-f", "-t", "0", "c081c", "c081d"]);
    expect(await untilNone()).toEqual([]);
  });

  test("--cgroup-parent is a slice, and nothing else", async () => {
    await box.ok(["run", "-d", "--name", "c081e", "--cgroup-parent", "work.slice", BUSYBOX, "sleep", "60"]);
    expect(await inspect("c081e", ".State.CgroupPath")).toContain("/work.slice/kelp-");
    await box.ok(["rm", "-f", "-t", "0", "c081e"]);
    expect(await box.kelp(["run", "--rm", "--cgroup-parent", "/work", BUSYBOX, "true"])).toMatchObject({
      code: 125,
      stdout: "",
      stderr: expect.stringContaining("invalid --cgroup-parent /work: did not receive systemd slice"),
    });
  });

  test("--cgroup-manager cgroupfs does without, and stays the container's choice", async () => {
    await box.ok(["--cgroup-manager", "cgroupfs", "run", "-d", "--name", "c081f", BUSYBOX, "sleep", "60"]);
    expect(await inspect("c081f", ".State.CgroupPath")).not.toContain(".scope");
    expect(await inspect("c081f", ".HostConfig.CgroupManager")).toBe("cgroupfs");
    await box.ok(["restart", "-t", "0", "c081f"]);
    expect(await inspect("c081f", ".State.CgroupPath")).not.toContain(".scope");
    await box.ok(["rm", "-f", "-t", "0", "c081f"]);
  });

  test("a bus that hangs up does not hold back a container that needs nothing of it", async () => {
    const env = { DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere" };
    expect(await box.kelp(["run", "--rm", BUSYBOX, "echo", "on"], { env })).toEqual({
      code: 0,
      stdout: "on\n",
      stderr: "",
    });
  });
});

describe("--cgroups=split", () => {
  test("divides the group of the unit that kelp is in", async () => {
    const own = join(manager!.group, "..", "t081");
    mkdirSync(own);
    const script = [
      `echo $$ > ${own}/cgroup.procs`,
      `${KELP} run -d --name c081s --cgroups split ${BUSYBOX} sleep 60 >&2`,
      `${KELP} inspect -f {{.State.CgroupPath}} c081s`,
      `${KELP} exec c081s grep ^0:: /proc/self/cgroup`,
    ];
    const { stdout, stderr } = await run("sh", ["-c", script.join("; ")], { env: { ...box.env } });
    const id = stderr.trim();
    expect(stdout).toBe(`${join(own, `kelp-${id}`).replace("/sys/fs/cgroup", "")}\n0::/\n`);
    expect(members(join(own, "runtime"))).toEqual([await inspect("c081s", ".State.ConmonPid")]);
    await box.ok(["rm", "-f", "-t", "0", "c081s"]);
    rmdirSync(join(own, "runtime"));
    rmdirSync(own);
  });
});

describe("where the user has none", () => {
  test("--cgroup-manager systemd is refused", async () => {
    const env = { XDG_RUNTIME_DIR: join(box.directory, "tmp") };
    const { code, stderr } = await box.kelp(["--cgroup-manager", "systemd", "create", BUSYBOX], { env });
    expect({ code, stderr }).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("cannot use --cgroup-manager systemd: this user has no systemd"),
    });
  });
});
