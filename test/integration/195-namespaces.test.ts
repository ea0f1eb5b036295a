import { beforeAll, describe, expect } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("195-namespaces");
const { test } = requires("busybox", "overlay", "subuid");
const quiet = ["--network", "none"];

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

describe("--ipc container:", () => {
  const share = async (more: readonly string[]) => {
    await box.ok([
      "run",
      "-d",
      "--name",
      "a195",
      ...quiet,
      BUSYBOX,
      "sh",
      "-c",
      "echo a > /dev/shm/a; sleep 60",
    ]);
    const script =
      "until [ -e /dev/shm/a ]; do :; done; cat /dev/shm/a; echo b > /dev/shm/b; readlink /proc/self/ns/ipc";
    const args = ["run", "--rm", "--ipc", "container:a195", ...more, ...quiet, BUSYBOX, "sh", "-c", script];
    const [shared, namespace] = (await box.ok(args)).split("\n");
    const seen = await box.ok(["exec", "a195", "sh", "-c", "cat /dev/shm/b; readlink /proc/self/ns/ipc"]);
    await box.ok(["rm", "-f", "-t", "0", "a195"]);
    return { shared, namespace, seen };
  };

  test("shares /dev/shm both ways, with the namespace", async () => {
    const { shared, namespace, seen } = await share([]);
    expect({ shared, seen }).toEqual({ shared: "a", seen: `b\n${namespace}` });
  });

  test("does so with ids of its own, and read-only", async () => {
    const { shared, seen, namespace } = await share([
      "--userns",
      "keep-id",
      "--user",
      "0",
      "--cap-add",
      "dac_override",
    ]).catch(async (error: unknown) => {
      await box.kelp(["rm", "-f", "-t", "0", "a195"]);
      throw error;
    });
    expect({ shared, seen }).toEqual({ shared: "a", seen: `b\n${namespace}` });
  });

  test("does not follow a link that the other container puts in the way", async () => {
    const script = "umount /dev/shm; rmdir /dev/shm; ln -s /etc /dev/shm; echo ready; sleep 60";
    const flags = ["--cap-add", "sys_admin", "--security-opt", "seccomp=unconfined"];
    await box.ok(["run", "-d", "--name", "l195", ...flags, ...quiet, BUSYBOX, "sh", "-c", script]);
    while ((await box.ok(["logs", "l195"])) === "") await Bun.sleep(20);
    const args = ["run", "--rm", "--ipc", "container:l195", ...quiet, BUSYBOX, "ls", "/dev/shm"];
    const { code, stdout, stderr } = await box.kelp(args);
    expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
    expect(stderr).toContain("too many levels of symbolic links");
    await box.ok(["rm", "-f", "-t", "0", "l195"]);
  });

  test("is refused by a private namespace", async () => {
    await box.ok(["run", "-d", "--name", "p195", "--ipc", "private", ...quiet, BUSYBOX, "sleep", "60"]);
    const { code, stderr } = await box.kelp(["run", "--rm", "--ipc", "container:p195", BUSYBOX, "true"]);
    expect(code).toBe(125);
    expect(stderr).toContain("is not allowed: non-shareable IPC");
    await box.ok(["rm", "-f", "-t", "0", "p195"]);
  });
});

describe("a namespace of another container that is the host's", () => {
  test("is the host's for who joins it, and for exec", async () => {
    const modes = ["pid", "uts", "cgroupns", "network"].flatMap((type) => [`--${type}`, "host"]);
    await box.ok(["run", "-d", "--name", "h195", ...modes, BUSYBOX, "sleep", "60"]);
    const joins = modes.map((word) => (word === "host" ? "container:h195" : word));
    await box.ok(["run", "-d", "--name", "j195", ...joins, BUSYBOX, "sleep", "60"]);
    for (const type of ["pid", "uts", "cgroup", "net"]) {
      const seen = await box.ok(["exec", "j195", "readlink", `/proc/self/ns/${type}`]);
      expect(seen).toBe(readlinkSync(`/proc/self/ns/${type}`));
    }
    await box.ok(["rm", "-f", "-t", "0", "h195", "j195"]);
  });
});

describe("/etc/mtab", () => {
  test("is there where the image lacks it, and no change by the container", async () => {
    await box.ok(["run", "--name", "m195", ...quiet, BUSYBOX, "readlink", "/etc/mtab"]);
    expect(await box.ok(["logs", "m195"])).toBe("/proc/mounts");
    expect(await box.ok(["diff", "m195"])).not.toContain("mtab");
    await box.ok(["rm", "m195"]);
  });
});

describe("unshare", () => {
  const plans = () => readdirSync(join(box.runtime, "kelp")).filter((name) => name.endsWith(".plan"));

  test("leaves no plan behind, however its command ends, or does not begin", async () => {
    expect((await box.kelp(["unshare", "sh", "-c", "exit 7"])).code).toBe(7);
    expect(plans()).toEqual([]);
    expect((await box.kelp(["unshare", "sh", "-c", "kill -9 $$"])).code).toBe(137);
    expect(plans()).toEqual([]);
    const nowhere = await box.kelp(["unshare", "/no/such/program"]);
    expect({ code: nowhere.code, plans: plans() }).toEqual({ code: 125, plans: [] });
  });
});
