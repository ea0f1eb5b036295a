/** What a container may see and use, where the options' words and the kernel's meet. */
import { beforeAll, describe, expect } from "bun:test";
import { statSync } from "node:fs";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("034-confinement");
const { test } = requires("busybox", "overlay", "subuid", "unprivileged");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

const kelp = (flags: readonly string[], ...command: string[]) =>
  box.kelp(["run", "--rm", "--network", "none", ...flags, BUSYBOX, ...command]);
const sizes = "df -k /run /run/lock /tmp /var/log/journal | tail -n 4 | awk '{print $2}'";

describe("--shm-size-systemd", () => {
  test("is the size of each filesystem that systemd gets", async () => {
    const { code, stdout, stderr } = await kelp(
      ["--systemd", "always", "--shm-size-systemd", "5m"],
      "sh",
      "-c",
      sizes,
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "5120\n5120\n5120\n5120\n", stderr: "" });
  });
});

describe("--security-opt proc-opts", () => {
  test("subset=pid hides everything but processes, and settings are made all the same", async () => {
    const flags = ["--security-opt", "proc-opts=hidepid=2,subset=pid", "--oom-score-adj", "7"];
    const script =
      "cat /proc/self/oom_score_adj; ls /proc/meminfo /proc/sys 2>&1; grep ' /proc ' /proc/self/mounts";
    const { stdout } = await kelp([...flags, "--sysctl", "kernel.shmmax=4096"], "sh", "-c", script);
    expect(stdout).toContain("7\n");
    expect(stdout).toContain("ls: /proc/meminfo: No such file or directory\n");
    expect(stdout).toContain("ls: /proc/sys: No such file or directory\n");
    expect(stdout).toMatch(/hidepid=(2|invisible),subset=pid/);
  });

  test("that the kernel does not take are named", async () => {
    const { code, stderr } = await kelp(["--security-opt", "proc-opts=hidepid=9"], "true");
    expect({ code, stderr }).toEqual({
      code: 125,
      stderr: "Error: cannot mount proc with hidepid=9: invalid argument\n",
    });
  });
});

describe("--sysctl", () => {
  test("gives names whose files belong to the host's root", async () => {
    const { stdout } = await kelp(
      ["--sysctl", "kernel.domainname=x.example", "--sysctl", "kernel/hostname=h034"],
      ...["cat", "/proc/sys/kernel/domainname", "/proc/sys/kernel/hostname"],
    );
    expect(stdout).toBe("x.example\nh034\n");
  });
});

describe("what a user cannot have is named", () => {
  test("a tmpfs option that does not exist", async () => {
    const { code, stderr } = await kelp(["--tmpfs", "/t:bogus"], "true");
    expect(code).toBe(125);
    expect(stderr).toContain("cannot mount tmpfs with ");
    expect(stderr).toContain("bogus: invalid argument");
  });

  test("a value that a setting does not take", async () => {
    const { code, stderr } = await kelp(["--sysctl", "kernel.shm_rmid_forced=7"], "true");
    expect({ code, stderr }).toEqual({
      code: 125,
      stderr: 'Error: cannot set sysctl kernel.shm_rmid_forced to "7": invalid argument\n',
    });
  });

  test("a way to treat the image's volumes that does not exist", async () => {
    const { code, stderr } = await kelp(["--image-volume", "bogus"], "true");
    expect({ code, stderr }).toEqual({
      code: 125,
      stderr: 'Error: invalid image-volume type "bogus": must be one of bind, tmpfs, or ignore\n',
    });
  });

  test("half of an overlay's directories", async () => {
    const { code, stderr } = await kelp(["-v", `${box.directory}:/m:O,upperdir=${box.directory}`], "true");
    expect(code).toBe(125);
    expect(stderr).toContain(
      "Error: cannot use upperdir= alone: an overlay needs both upperdir= and workdir=",
    );
  });
});

describe("--device", () => {
  test("of the host's root is given, with a word on why it cannot be opened", async () => {
    const node = ["/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/sda", "/dev/loop-control"].find((path) => {
      const looks = statSync(path, { throwIfNoEntry: false });
      return looks !== undefined && looks.uid === 0 && (looks.mode & 0o006) === 0;
    })!;
    const { code, stderr } = await kelp(["--device", node], "test", "-e", node);
    expect(code).toBe(0);
    expect(stderr).toContain(
      `device ${node} cannot be opened by you, nor by the container: it belongs to root:`,
    );
  });

  test("that everybody may open is given without a word", async () => {
    const { code, stdout, stderr } = await kelp(
      ["--device", "/dev/zero:/dev/nothing:r"],
      "head",
      "-c1",
      "/dev/nothing",
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "\0", stderr: "" });
  });
});
