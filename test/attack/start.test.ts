/** Attacks on the start of a container, by the rows S1 to S10: an image aims at a directory of the host. */
import { afterEach, beforeAll, describe, expect } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  BUSYBOX,
  busyboxArchive,
  busyboxFiles,
  type Canary,
  dockerArchive,
  makeCanary,
  makeTar,
  requires,
  type TarFile,
  useSandbox,
} from "../support/index.ts";

const box = useSandbox("attack-start");
const { test } = requires("busybox", "overlay", "subuid");
let canary: Canary;

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
  canary = makeCanary(box.directory);
});

afterEach(() => canary.expectIntact());

/** Loads an image: busybox with some names replaced. */
async function load(
  tag: string,
  files: readonly TarFile[],
  config: Record<string, unknown> = {},
): Promise<string> {
  const names = new Set(files.map(({ name }) => name));
  const system = busyboxFiles().filter(
    ({ name }) => !names.has(name) && ![...names].some((other) => name.startsWith(`${other}/`)),
  );
  const name = `localhost/${tag}:latest`;
  const path = join(box.directory, `${tag}.tar`);
  writeFileSync(path, await dockerArchive([await makeTar([...system, ...files])], { config, tags: [name] }));
  await box.ok(["load", "-i", path]);
  return name;
}

const run = (image: string, flags: readonly string[], ...command: string[]) =>
  box.kelp(["run", "--rm", "--network", "none", ...flags, image, ...command], { timeout: 20_000 });

describe("S1: a working directory through a leaked descriptor", () => {
  test("no /proc/self/fd/N is entered, by flag, by image or by exec", async () => {
    for (const process of ["self", "1"]) {
      for (let fd = 0; fd < 24; fd++) {
        const { code, stdout } = await run(
          BUSYBOX,
          ["-w", `/proc/${process}/fd/${fd}`],
          "cat",
          "../../../../secret",
        );
        expect({ fd, ok: code === 0, leaked: stdout.includes(canary.token) }).toEqual({
          fd,
          ok: false,
          leaked: false,
        });
      }
    }
    const image = await load("cwd", [], { WorkingDir: "/proc/self/fd/8" });
    expect((await run(image, [], "pwd")).code).not.toBe(0);
    await box.ok(["run", "-d", "--name", "s1", "--network", "none", BUSYBOX, "sleep", "60"]);
    for (let fd = 3; fd < 12; fd++)
      expect((await box.kelp(["exec", "-w", `/proc/self/fd/${fd}`, "s1", "pwd"])).code).not.toBe(0);
    await box.ok(["rm", "-f", "-t", "0", "s1"]);
  }, 60_000);

  test("a process owns 0, 1, 2 and nothing else, whatever kelp itself was started with", async () => {
    const script = `exec 9<${canary.directory} 8<${canary.directory}/secret; exec "$0" "$@"`;
    const { KELP } = await import("../support/index.ts");
    const list = ["sh", "-c", "ls /proc/self/fd | sort -n | tr '\\n' ' '"];
    const command = ["sh", "-c", script, KELP, "run", "--rm", "--network", "none", BUSYBOX, ...list];
    const { stdout } = Bun.spawnSync(command, { env: box.env, cwd: box.directory });
    // 3 is the directory that ls itself reads.
    expect(stdout.toString().trim()).toBe("0 1 2 3");
  });
});

describe("S3, S4: devices of the image", () => {
  test("/dev/null, /dev/console and /dev/ptmx as links, files and directories lead nowhere", async () => {
    const links = ["null", "console", "ptmx", "pts", "shm", "mqueue", "zero"].map((name) => ({
      name: `dev/${name}`,
      content: { link: `${canary.directory}/f` },
    }));
    const image = await load("devices", links);
    for (const flags of [[], ["-t"], ["--read-only"]]) {
      const { stdout } = await run(
        image,
        flags,
        "sh",
        "-c",
        "stat -c %t:%T /dev/null; stat -c %F /proc/interrupts",
      );
      expect(stdout.replaceAll("\r", "")).toBe("1:3\ncharacter special file\n");
    }
    const whole = await load("devlink", [{ name: "dev", content: { link: canary.directory } }]);
    expect((await run(whole, [], "cat", "/dev/secret")).stdout).not.toContain(canary.token);
  });

  test("a volume at /dev does not take the place of what hides /proc/interrupts", async () => {
    mkdirSync(join(box.directory, "dev"));
    symlinkSync(`${canary.directory}/f`, join(box.directory, "dev", "null"));
    const { stdout } = await run(
      BUSYBOX,
      ["-v", `${box.directory}/dev:/dev`],
      "sh",
      "-c",
      "cat /proc/interrupts /proc/keys; echo end",
    );
    expect(stdout).toBe("end\n");
  });
});

describe("S5: a false /proc or /sys", () => {
  test("nothing can be mounted on or in /proc", async () => {
    for (const place of ["/proc", "/proc/sys", "/proc/self"]) {
      expect(await run(BUSYBOX, ["-v", `${box.directory}:${place}`], "true")).toMatchObject({
        code: 125,
        stderr: expect.stringContaining("nothing can be mounted on or in /proc"),
      });
    }
  });

  test("a /proc or /sys of the image that is a link or a tree of files is covered or refused, and settings go to the real one", async () => {
    for (const [tag, files] of [
      ["proclink", [{ name: "proc", content: { link: canary.directory } }]],
      ["syslink", [{ name: "sys", content: { link: canary.directory } }]],
      [
        "proctree",
        [{ name: "proc" }, { name: "proc/sys" }, { name: "proc/self", content: { link: canary.directory } }],
      ],
    ] as const) {
      const image = await load(tag, files);
      const { code, stdout } = await run(
        image,
        ["--sysctl", "kernel.msgmax=12345"],
        "cat",
        "/proc/sys/kernel/msgmax",
      );
      expect([0, 125, 126]).toContain(code);
      if (code === 0) expect(stdout).toBe("12345\n");
    }
  });
});

describe("S7: files made through links of the image", () => {
  test("every place kelp writes to, as an absolute and a relative link to the host", async () => {
    const up = "../".repeat(20);
    const places = [
      "etc/hosts",
      "etc/hostname",
      "etc/resolv.conf",
      "run",
      "data",
      "run/secrets",
      "tmp",
      "etc",
    ];
    for (const [index, place] of places.entries()) {
      for (const [kind, link] of [
        ["abs", canary.directory],
        ["rel", `${up}${canary.directory.slice(1)}`],
      ] as const) {
        const image = await load(`link${index}${kind}`, [{ name: place, content: { link } }], {
          WorkingDir: "/data/work",
        });
        const flags = ["-v", "vol7:/data/v", "--tmpfs", "/data/t", "--mount", "type=tmpfs,dst=/run/x"];
        const { stdout, stderr } = await run(
          image,
          flags,
          "sh",
          "-c",
          "cat /data/* /run/* /tmp/* /etc/secret 2>&1",
        );
        expect({ place, leaked: (stdout + stderr).includes(canary.token) }).toEqual({ place, leaked: false });
        canary.expectIntact();
      }
    }
  }, 60_000);

  test("honest links keep working", async () => {
    const image = await load("honest", [{ name: "run" }, { name: "var/run", content: { link: "/run" } }]);
    expect(
      await run(image, ["--tmpfs", "/var/run/app"], "sh", "-c", "touch /run/app/x && echo made"),
    ).toMatchObject({
      code: 0,
      stdout: "made\n",
    });
  });
});

describe("S8: files of users", () => {
  test("a link, a directory or an endless file in the place of /etc/passwd is read as empty or refused, at once", async () => {
    for (const [tag, entry] of [
      ["pwlink", { name: "etc/passwd", content: { link: `${canary.directory}/secret` } }],
      ["pwzero", { name: "etc/passwd", content: { link: "/dev/zero" } }],
      ["pwdir", { name: "etc/passwd" }],
      ["pwhuge", { name: "etc/passwd", content: "x".repeat(3 << 20) }],
    ] as const) {
      const image = await load(tag, [entry]);
      const { code, stdout, stderr } = await run(image, ["--user", "somebody"], "id");
      expect({ tag, ok: code === 0, leaked: (stdout + stderr).includes(canary.token) }).toEqual({
        tag,
        ok: false,
        leaked: false,
      });
    }
  });
});

describe("S10: the hierarchy of control groups", () => {
  test("is not writable, with any --cgroupns", async () => {
    for (const mode of ["private", "host"]) {
      const script =
        "mkdir /sys/fs/cgroup/escape 2>/dev/null && echo MADE; echo 1 > /sys/fs/cgroup/cgroup.procs && echo MOVED; :";
      const { stdout } = await run(BUSYBOX, ["--cgroupns", mode], "sh", "-c", script);
      expect({ mode, stdout }).toEqual({ mode, stdout: "" });
    }
  });
});
