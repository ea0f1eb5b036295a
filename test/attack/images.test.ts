/** Images whose configuration is the attack: places, users, words for the terminal; by the rows R9, S8, T3, C2 and R8. */
import { afterEach, beforeAll, describe, expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  BUSYBOX,
  busyboxArchive,
  busyboxFiles,
  type Canary,
  dockerArchive,
  KELP,
  makeCanary,
  makeTar,
  requires,
  useSandbox,
} from "../support/index.ts";

const box = useSandbox("attack-images");
const { test } = requires("busybox", "overlay", "subuid");
let canary: Canary;
let layer: Buffer;

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
  layer = await makeTar(busyboxFiles());
  canary = makeCanary(box.directory);
});

afterEach(() => canary.expectIntact());

let made = 0;
/** Loads an image with that configuration; undefined if kelp refuses it, with one line and no bug of its own. */
async function load(config: Record<string, unknown>): Promise<string | undefined> {
  const name = `localhost/config${made++}:latest`;
  const path = join(box.directory, "config.tar");
  writeFileSync(path, await dockerArchive([layer], { config, tags: [name] }));
  const { code, stderr } = await box.kelp(["load", "-i", path]);
  expectHonest(config, stderr);
  return code === 0 ? name : undefined;
}

/** An error is a line about what was asked for, never a stack, a bug of ours, or a word of the host's. */
function expectHonest(what: unknown, stderr: string): void {
  const bad = /internal error|\bat .*:\d+:\d+|TypeError|undefined is not/.exec(stderr)?.[0];
  expect({ what, bad, leaked: stderr.includes(canary.token) }).toEqual({
    what,
    bad: undefined,
    leaked: false,
  });
}

const run = (image: string, flags: readonly string[], ...command: string[]) =>
  box.kelp(["run", "--rm", "--network", "none", ...flags, image, ...command], { timeout: 20_000 });

describe("R9: places that a configuration names", () => {
  const up = "/..".repeat(20);

  test("volumes at /, above it, in /proc and at nonsense are inside or refused, and never the host's", async () => {
    for (const place of [
      "/",
      "//",
      "/..",
      `${up}/etc`,
      "/proc",
      "/proc/self",
      "/sys",
      "/dev",
      "relative",
      "",
      ".",
      "/a\nb",
      "/a:b",
    ]) {
      const image = await load({ Volumes: { [place]: {} } });
      if (image === undefined) continue;
      const { code, stdout, stderr } = await run(
        image,
        [],
        "sh",
        "-c",
        `cat ${canary.directory}/secret; echo ran`,
      );
      expectHonest(place, stderr);
      expect({ place, leaked: stdout.includes(canary.token) }).toEqual({ place, leaked: false });
      expect({ place, code, ran: stdout.includes("ran") }).toEqual({ place, code, ran: code === 0 });
    }
  }, 60_000);

  test("working directories outside are inside", async () => {
    for (const WorkingDir of [
      `${up}${"/x".repeat(3)}`,
      `../../../..${canary.directory}`,
      "relative",
      "/proc/1/root",
      "\n",
    ]) {
      const image = await load({ WorkingDir });
      if (image === undefined) continue;
      const { stdout, stderr } = await run(image, [], "sh", "-c", "cat secret ../secret ./*");
      expectHonest(WorkingDir, stderr.replaceAll(/^(cat|sh): .*$/gm, ""));
      expect(stdout).not.toContain(canary.token);
    }
  });
});

describe("configurations of the wrong kind", () => {
  const wrong: Record<string, unknown>[] = [
    { Env: ["=x", "NOEQUALS", "*", "A=b=c", "LD_PRELOAD=/x.so"] },
    { Env: "PATH=/bin" },
    { Cmd: "sh -c true" },
    { Entrypoint: [""] },
    { Entrypoint: { a: 1 } },
    { User: ["root"] },
    { User: "0:0:0" },
    { ExposedPorts: { "99999999/tcp": {}, "0/xyz": {}, "-1": {} } },
    { StopSignal: "SIGNONE" },
    { StopSignal: "-9" },
    { Labels: [1, 2] },
    { Labels: { __proto__: { polluted: "yes" }, constructor: "x", toString: "y" } },
    { Healthcheck: { Test: ["CMD"], Interval: -1, Retries: 1e30 } },
    { Healthcheck: "always" },
    { Volumes: ["/a"] },
    { Shell: 5, OnBuild: {} },
  ];

  test("run or are refused in a line, and nothing of them changes kelp", async () => {
    for (const config of wrong) {
      const image = await load(config);
      if (image === undefined) continue;
      const { code, stderr } = await run(image, [], "env");
      expectHonest(config, stderr);
      expect(code).toBeLessThan(128);
      expectHonest(config, (await box.kelp(["inspect", image])).stderr);
      await box.ok(["rmi", "-f", image]);
    }
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  }, 120_000);
});

describe("R8: labels and annotations", () => {
  test("of an image steer nothing: privileges, namespaces and mounts are those of the image without", async () => {
    const keys = [
      "run.oci.keep_original_groups",
      "io.podman.annotations.privileged",
      "io.podman.annotations.seccomp",
    ];
    const more = [
      "run.oci.systemd.subgroup",
      "io.kubernetes.cri-o.TrySkipVolumeSELinuxLabel",
      "io.containers.autoupdate",
    ];
    const Labels = Object.fromEntries([...keys, ...more].map((key) => [key, "1"]));
    const image = (await load({ Labels }))!;
    const look =
      "grep -E '^(Cap|NoNew|Seccomp)' /proc/self/status; cat /proc/self/mountinfo | wc -l; id; ls /proc/self/ns";
    const [own, plain] = [await run(image, [], "sh", "-c", look), await run(BUSYBOX, [], "sh", "-c", look)];
    expect(own).toEqual(plain);
  });
});

describe("C2: groups", () => {
  test("of a user are the image's and no others, and a file that denies its group is denied", async () => {
    const ids = (flags: readonly string[]) => run(BUSYBOX, flags, "id", "-G");
    expect((await ids(["--user", "user"])).stdout).toBe("1000 2000\n");
    expect((await ids(["--user", "1000:1000"])).stdout).toBe("1000\n");
    expect((await ids(["--user", "1000:2000"])).stdout).toBe("2000\n");
    expect((await ids(["--user", "4242"])).stdout).toBe("0\n");
    await run(BUSYBOX, ["-v", "c2:/v"], "sh", "-c", "echo x >/v/f; chown 0:2000 /v/f; chmod 604 /v/f");
    expect((await run(BUSYBOX, ["-v", "c2:/v", "--user", "user"], "cat", "/v/f")).stdout).toBe("");
    expect((await run(BUSYBOX, ["-v", "c2:/v", "--user", "1000:1000"], "cat", "/v/f")).stdout).toBe("x\n");
  });
});

describe("S8: /etc/passwd of a running container", () => {
  test("as a link to the host, a FIFO, a device or a directory gives exec --user an error and no hang", async () => {
    await box.ok(["run", "-d", "--name", "s8", "--network", "none", BUSYBOX, "sleep", "300"]);
    for (const change of [
      `ln -s ${canary.directory}/secret /etc/passwd`,
      `ln -s ../../../../../../..${canary.directory}/secret /etc/passwd`,
      "mkfifo /etc/passwd",
      "ln -s /dev/zero /etc/passwd",
      "mkdir /etc/passwd",
      "ln -s /proc/1/environ /etc/passwd",
      "head -c 5000000 /dev/zero | tr '\\0' x >/etc/passwd",
    ]) {
      await box.ok(["exec", "s8", "sh", "-c", `rm -rf /etc/passwd; ${change}`]);
      const { code, stdout, stderr } = await box.kelp(["exec", "--user", "nobody", "s8", "id"], {
        timeout: 10_000,
      });
      expectHonest(change, stderr);
      expect({ change, refused: [125, 126].includes(code), stdout }).toEqual({
        change,
        refused: true,
        stdout: "",
      });
    }
    await box.ok(["rm", "-f", "-t", "0", "s8"]);
  });
});

describe("T3: words that move a terminal", () => {
  const evil = "x\u001b[2J\u001b]52;c;QUFB\u0007\b\r\u009b31m\u202e\u2066\nend";
  /** What a terminal acts on; a line's end, a tab and kelp's own colours are not that. */
  const ACTS = /[\0-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\x1b(?!\[[0-9;]*m)/u;

  test("never get there from labels, commands, variables, authors, health checks or what the user mistyped", async () => {
    const image = await load({
      Labels: { [evil]: evil },
      Env: ["PATH=/bin", `EVIL=${evil}`],
      Cmd: ["echo", evil],
      User: "root",
      Healthcheck: { Test: ["CMD", evil] },
      ExposedPorts: {},
    });
    if (image === undefined) throw new Error("the image was refused");
    await box.ok([
      "create",
      "--name",
      "t3",
      "--label",
      `own=${evil}`,
      "--network",
      "none",
      image,
      "echo",
      evil,
    ]);
    const commands = [
      ["images"],
      ["images", "--digests", "--no-trunc"],
      ["history", image],
      ["history", "--no-trunc", image],
      ["image", "tree", image],
      ["ps", "-a"],
      ["ps", "-a", "--no-trunc", "--size"],
      ["inspect", image],
      ["inspect", "t3"],
      ["events", "--stream=false", "--since", "1h"],
      ["search", evil],
      ["run", evil],
      ["inspect", evil],
      ["volume", "inspect", evil],
      ["run", `--label=${evil}`, `--nonsense=${evil}`, BUSYBOX],
      [evil],
      ["volume", "ls", "--filter", `label=${evil}`],
      ["start", evil],
      ["secret", "inspect", evil],
      ["network", "inspect", evil],
      ["logs", evil],
      ["explain", "--label", evil, BUSYBOX, evil],
    ];
    for (const command of commands) {
      const { stdout, stderr } = await box.kelp(command, { timeout: 20_000 });
      expect({ command, acts: ACTS.exec(stdout + stderr)?.[0] }).toEqual({ command, acts: undefined });
      const { screen } = await onTerminal(command);
      expect({ command, screen: ACTS.exec(screen)?.[0] }).toEqual({ command, screen: undefined });
    }
    // As data they are exact.
    expect(JSON.parse(await box.ok(["inspect", "t3"]))[0].Config.Labels[evil]).toBe(evil);
    await box.ok(["rm", "t3"]);
  }, 120_000);

  /** Everything that appears on a terminal; its own carriage returns before line ends are taken away. */
  async function onTerminal(args: readonly string[]): Promise<{ screen: string }> {
    const bytes: Uint8Array[] = [];
    const child = Bun.spawn([KELP, ...args], {
      env: { ...box.env, TERM: "xterm" },
      cwd: box.directory,
      terminal: { cols: 200, rows: 50, data: (_: unknown, some: Uint8Array) => void bytes.push(some) },
    });
    await child.exited;
    return { screen: Buffer.concat(bytes).toString("utf8").replaceAll("\r\n", "\n") };
  }
});
