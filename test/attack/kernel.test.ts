/** Attacks on the kernel that the defaults leave no way to, by the rows K1, K3, K6, K8 and E7. */
import { beforeAll, describe, expect } from "bun:test";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("attack-kernel");
const { test } = requires("busybox", "overlay", "subuid");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

const run = (flags: readonly string[], script: string) =>
  box.kelp(["run", "--rm", "--network", "none", ...flags, BUSYBOX, "sh", "-c", script], { timeout: 30_000 });

describe("K1: nested namespaces", () => {
  test("cannot be made by unshare, in run and in exec; with the filter off they can, so it is the filter", async () => {
    const attempt =
      "unshare -U true 2>/dev/null && echo NESTED; unshare -m true 2>/dev/null && echo MOUNTS; :";
    expect((await run([], attempt)).stdout).toBe("");
    await box.ok(["run", "-d", "--name", "k1", "--network", "none", BUSYBOX, "sleep", "60"]);
    expect(await box.ok(["exec", "k1", "sh", "-c", attempt])).toBe("");
    await box.ok(["rm", "-f", "-t", "0", "k1"]);
    expect((await run(["--security-opt", "seccomp=unconfined"], attempt)).stdout).toBe("NESTED\n");
  });
});

describe("K3: keyrings", () => {
  test("are hidden", async () => {
    expect((await run([], "cat /proc/keys; wc -c < /proc/keys")).stdout.trim()).toBe("0");
  });
});

describe("K6, K8: mounts", () => {
  test("cannot be made, moved or taken away by root of a container", async () => {
    const attempts = [
      "mount -t tmpfs x /tmp",
      "mount --bind / /tmp",
      "mount -o remount,rw /proc/sys",
      "umount /proc/interrupts",
      "mount -t overlay -o lowerdir=/bin,upperdir=/tmp,workdir=/tmp x /home",
      "pivot_root / /tmp",
      "mount -t proc p /tmp",
    ];
    for (const attempt of attempts)
      expect({ attempt, stdout: (await run([], `${attempt} 2>/dev/null && echo DONE`)).stdout }).toEqual({
        attempt,
        stdout: "",
      });
  });

  test("what is hidden stays hidden for a container that may mount, where it has users of its own", async () => {
    const script =
      "umount /proc/interrupts 2>/dev/null && echo UNCOVERED; mount -t proc p /tmp 2>/dev/null && echo FRESH; :";
    expect((await run(["--userns", "nomap", "--cap-add", "SYS_ADMIN"], script)).stdout).not.toContain(
      "UNCOVERED",
    );
  });

  test("nothing of /proc and /sys that changes the machine can be written", async () => {
    const files = [
      "/proc/sysrq-trigger",
      "/proc/sys/kernel/core_pattern",
      "/proc/sys/vm/drop_caches",
      "/sys/power/state",
    ];
    for (const file of files)
      expect({
        file,
        stdout: (await run([], `[ -e ${file} ] && echo x > ${file} && echo WRITTEN`)).stdout,
      }).toEqual({ file, stdout: "" });
  });
});

describe("binfmt_misc", () => {
  const mount = "mount -t binfmt_misc b /tmp 2>/dev/null";
  const register = `${mount} && echo ':evil:E::evil::/bin/echo:F' > /tmp/register && ls /tmp`;
  const attempt = "touch /root/x.evil && chmod 755 /root/x.evil && /root/x.evil INTERPRETED";

  requires("emulation", "overlay", "subuid").test(
    "a container registers no interpreter for others without SYS_ADMIN, or with users of its own",
    async () => {
      expect((await run([], register)).stdout).toBe("");
      await box.ok(["run", "-d", "--name", "bm", "--network", "none", BUSYBOX, "sleep", "100"]);
      // Beside it: it can for itself.
      const own = ["--network", "none", "--userns", "auto", "--cap-add", "SYS_ADMIN", BUSYBOX, "sh", "-c"];
      await box.ok(["run", "-d", "--name", "bk", ...own, `${register}; ${attempt}; sleep 100`]);
      const heard = "evil\nregister\nstatus\n/root/x.evil INTERPRETED";
      while ((await box.ok(["logs", "bk"])) !== heard) await Bun.sleep(50);
      expect(await box.ok(["exec", "bm", "sh", "-c", attempt])).toBe("");
      await box.ok(["rm", "-f", "-t", "0", "bm", "bk"]);
    },
  );
});

describe("E7: floods", () => {
  test("a line without an end and a reader that has gone leave the monitor as it was", async () => {
    await box.ok([
      "run",
      "-d",
      "--name",
      "e7",
      "--network",
      "none",
      BUSYBOX,
      "sh",
      "-c",
      "head -c 20000000 /dev/zero | tr '\\0' x; sleep 60",
    ]);
    const monitor = await box.ok(["inspect", "-f", "{{.State.ConmonPid}}", "e7"]);
    await Bun.sleep(1000);
    const memory = Number(
      /Rss:\s+(\d+)/.exec(
        await Bun.file(`/proc/${monitor.trim()}/smaps_rollup`)
          .text()
          .catch(() => "Rss: 0"),
      )?.[1],
    );
    expect(memory).toBeLessThan(4096);
    await box.ok(["rm", "-f", "-t", "0", "e7"]);
  }, 30_000);
});
