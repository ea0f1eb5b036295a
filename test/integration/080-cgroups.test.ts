import { beforeAll, describe, expect } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("080-cgroups");
const { test } = requires("own-cgroup", "busybox", "overlay");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

/** The group in which kelp makes those of containers: the parent of ours. */
function delegated(): string {
  const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? "";
  return join("/sys/fs/cgroup", dirname(own));
}

const groups = () => readdirSync(delegated()).filter((name) => name.startsWith("kelp-"));

describe("a container with a control group", () => {
  test("sees its own group as the root, read-only, and leaves nothing behind", async () => {
    const script = "grep ^0:: /proc/self/cgroup; mkdir /sys/fs/cgroup/x 2>/dev/null || echo refused";
    expect(await box.kelp(["run", "--rm", BUSYBOX, "sh", "-c", script])).toEqual({
      code: 0,
      stdout: "0::/\nrefused\n",
      stderr: "",
    });
    expect(groups()).toEqual([]);
  });

  test("has every process of exec in it", async () => {
    await box.ok(["run", "-d", "--name", "c080e", BUSYBOX, "sleep", "60"]);
    expect(await box.kelp(["exec", "c080e", "grep", "^0::", "/proc/self/cgroup"])).toMatchObject({
      code: 0,
      stdout: "0::/\n",
    });
    await box.ok(["rm", "-f", "-t", "0", "c080e"]);
    expect(groups()).toEqual([]);
  });

  test("takes what it started along, even where it shares the host's processes", async () => {
    await box.ok(["run", "--name", "c080p", "--pid", "host", BUSYBOX, "sh", "-c", "sleep 4711 & exit 0"]);
    const alive = readdirSync("/proc").filter(
      (pid) =>
        existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("4711"),
    );
    expect({ alive, groups: groups() }).toEqual({ alive: [], groups: [] });
    await box.ok(["rm", "c080p"]);
  });

  test("is removed as well when a start fails, and after its monitor was killed", async () => {
    const failed = await box.kelp(["run", "--rm", BUSYBOX, "no-such-program"]);
    expect({ code: failed.code, groups: groups() }).toEqual({ code: 127, groups: [] });
    await box.ok(["run", "-d", "--name", "c080k", BUSYBOX, "sleep", "60"]);
    const monitor = await box.ok(["inspect", "-f", "{{.State.ConmonPid}}", "c080k"]);
    process.kill(Number(monitor), "SIGKILL");
    await box.ok(["wait", "c080k"]);
    await box.ok(["rm", "c080k"]);
    expect(groups()).toEqual([]);
  });

  test("that is privileged cannot lift what is above it", async () => {
    const script =
      "mkdir /sys/fs/cgroup/x && cat /sys/fs/cgroup/cgroup.max.depth; ls /sys/fs/cgroup/.. | grep -c kelp";
    const { stdout } = await box.kelp([
      "run",
      "--rm",
      "--privileged",
      "--cgroup-conf",
      "cgroup.max.depth=5",
      BUSYBOX,
      "sh",
      "-c",
      script,
    ]);
    expect(stdout).toBe("5\n0\n");
  });
});

describe("pause", () => {
  test("stops all work until unpause, and refuses what needs a running container", async () => {
    await box.ok(["run", "-d", "--name", "c080f", BUSYBOX, "sleep", "60"]);
    expect(await box.kelp(["pause", "c080f"])).toEqual({ code: 0, stdout: "c080f\n", stderr: "" });
    expect(await box.ok(["inspect", "-f", "{{.State.Status}}", "c080f"])).toBe("paused");
    expect(await box.kelp(["exec", "c080f", "true"])).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("it is paused"),
    });
    expect(await box.kelp(["pause", "c080f"])).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("already paused"),
    });
    expect(await box.kelp(["unpause", "c080f"])).toEqual({ code: 0, stdout: "c080f\n", stderr: "" });
    expect(await box.ok(["exec", "c080f", "echo", "on"])).toBe("on");
    await box.ok(["pause", "c080f"]);
    await box.ok(["rm", "-f", "-t", "0", "c080f"]);
    expect(groups()).toEqual([]);
  });
});

describe("a limit", () => {
  test("whose controller is not here is an error that names it, and nothing runs", async () => {
    const has = readFileSync(join(delegated(), "cgroup.controllers"), "utf8").split(/\s+/);
    if (has.includes("memory")) return;
    expect(await box.kelp(["run", "--rm", "-m", "64m", BUSYBOX, "true"])).toMatchObject({
      code: 125,
      stdout: "",
      stderr: expect.stringMatching(
        /cannot apply --memory: the cgroup controller memory is not available[\s\S]*--cgroups=disabled/,
      ),
    });
    expect(await box.kelp(["run", "--rm", "-m", "64m", "--cgroups=disabled", BUSYBOX, "true"])).toMatchObject(
      { code: 0 },
    );
  });
});

test("a --rm container whose monitor was killed leaves no group behind", async () => {
  await box.ok(["run", "-d", "--rm", "--name", "c080k", BUSYBOX, "sleep", "60"]);
  const [id = "", monitor = ""] = (
    await box.ok(["inspect", "-f", "{{.Id}} {{.State.ConmonPid}}", "c080k"])
  ).split(" ");
  expect(groups()).toContain(`kelp-${id}`);
  process.kill(Number(monitor), "SIGKILL");
  for (let attempt = 0; attempt < 100 && groups().includes(`kelp-${id}`); attempt++) {
    await box.ok(["volume", "prune", "-f"]);
    await Bun.sleep(50);
  }
  expect(groups()).not.toContain(`kelp-${id}`);
});

describe("stats", () => {
  test("counts processes of every user of the container", async () => {
    await box.ok(["run", "-d", "--name", "c080u", "--user", "33", BUSYBOX, "sleep", "60"]);
    const { code, stdout, stderr } = await box.kelp([
      ...["stats", "--no-stream", "--format", "{{.Name}} {{.PIDS}}", "c080u"],
    ]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "c080u 1\n", stderr: "" });
    await box.ok(["rm", "-f", "-t", "0", "c080u"]);
  });

  test("counts a container's processes and time", async () => {
    await box.ok(["run", "-d", "--name", "c080s", BUSYBOX, "sleep", "60"]);
    const { stdout } = await box.kelp(["stats", "--no-stream", "--format", "{{.Name}} {{.PIDS}}", "c080s"]);
    expect(stdout).toBe("c080s 1\n");
    await box.ok(["rm", "-f", "-t", "0", "c080s"]);
  });
});
