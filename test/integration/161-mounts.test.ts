import { beforeAll, describe, expect } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("161-mounts");
const { test } = requires("busybox", "overlay", "subuid");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

describe("volume create --opt", () => {
  const quiet = ["--network", "none"];

  test("a bind volume is that directory, and a removed one leaves it alone", async () => {
    const device = join(box.directory, "device161");
    mkdirSync(device);
    writeFileSync(join(device, "f"), "outside");
    await box.ok(["volume", "create", "-o", "type=bind", "-o", `device=${device}`, "b161"]);
    expect(await box.ok(["run", "--rm", "-v", "b161:/v", ...quiet, BUSYBOX, "cat", "/v/f"])).toBe("outside");
    expect(await box.ok(["volume", "mount", "b161"])).toBe(device);
    await box.ok(["volume", "rm", "b161"]);
    expect(readFileSync(join(device, "f"), "utf8")).toBe("outside");
  });

  test("a tmpfs volume has its size", async () => {
    await box.ok(["volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=2M", "t161"]);
    const mount = await box.ok([
      "run",
      "--rm",
      "-v",
      "t161:/v",
      ...quiet,
      BUSYBOX,
      "grep",
      " /v ",
      "/proc/mounts",
    ]);
    expect(mount).toMatch(/^tmpfs \/v tmpfs .*size=2048k/);
    await box.ok(["volume", "rm", "t161"]);
  });

  test("a tmpfs volume has the owner that its options name", async () => {
    await box.ok([
      "volume",
      "create",
      "-o",
      "type=tmpfs",
      "-o",
      "device=tmpfs",
      "-o",
      "o=uid=5,gid=6",
      "o161",
    ]);
    expect(
      await box.ok(["run", "--rm", "-v", "o161:/v", ...quiet, BUSYBOX, "stat", "-c", "%u:%g", "/v"]),
    ).toBe("5:6");
    await box.ok(["volume", "rm", "o161"]);
  });

  test("nocopy keeps what the image has out of every container's use of the volume", async () => {
    for (const [name, options, count] of [
      ["filled161", [], "1"],
      ["bare161", ["-o", "nocopy"], "0"],
    ] as const) {
      await box.ok(["volume", "create", ...options, name]);
      const script = "ls /etc | grep -c '^passwd$' || :";
      expect([
        name,
        await box.ok(["run", "--rm", "-v", `${name}:/etc`, ...quiet, BUSYBOX, "sh", "-c", script]),
      ]).toEqual([name, count]);
      await box.ok(["volume", "rm", name]);
    }
  });

  const wrong: readonly (readonly [string[], string])[] = [
    [["-o", "type=bind", "-o", "device=/bogus161"], "faccessat /bogus161: no such file or directory"],
    [["-o", "o=size=1g"], "cannot limit the size of a volume: quotas of a directory belong to root"],
    [
      ["-o", "type=nfs", "-o", "device=:/x", "-o", "o=addr=192.0.2.1"],
      "only root can mount that file system",
    ],
    [["-o", "frob=1"], "invalid volume option frob for driver 'local'"],
    [["-o", "o=ro"], "nothing is mounted for it"],
  ];
  for (const [options, reason] of wrong)
    test(`${options.join(" ")} is refused by name`, async () => {
      const { code, stdout, stderr } = await box.kelp(["volume", "create", ...options, "r161"]);
      expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
      expect(stderr).toContain(reason);
      expect((await box.kelp(["volume", "exists", "r161"])).code).toBe(1);
    });

  test("one that nobody named is anonymous: prune takes it, and leaves those with names", async () => {
    const [anonymous, named] = [
      await box.ok(["volume", "create"]),
      await box.ok(["volume", "create", "n161"]),
    ];
    const pruned = await box.ok(["volume", "prune", "--force"]);
    expect(pruned).toContain(anonymous);
    expect(pruned).not.toContain(named);
    await box.ok(["volume", "rm", "n161"]);
  });
});

describe("volume rename and reload", () => {
  test("a renamed volume keeps its files; one in use keeps its name", async () => {
    const flags = ["--network", "none", BUSYBOX];
    await box.ok(["run", "--rm", "-v", "old161:/v", ...flags, "sh", "-c", "echo kept > /v/f"]);
    expect(await box.ok(["volume", "rename", "old161", "new161"])).toBe("new161");
    expect(await box.ok(["run", "--rm", "-v", "new161:/v", ...flags, "cat", "/v/f"])).toBe("kept");
    await box.ok(["create", "--name", "u161", "-v", "new161:/v", BUSYBOX]);
    const { code, stderr } = await box.kelp(["volume", "rename", "new161", "old161"]);
    expect(code).toBe(2);
    expect(stderr).toContain("volume is being used");
    await box.ok(["rm", "u161"]);
    await box.ok(["volume", "rm", "new161"]);
  });

  test("a directory that no record knows becomes a volume again", async () => {
    const place = dirname(
      dirname(await box.ok(["volume", "mount", await box.ok(["volume", "create", "x161"])])),
    );
    mkdirSync(join(place, "lost161", "_data"), { recursive: true });
    expect(await box.ok(["volume", "reload"])).toBe("Added:\nlost161");
    await box.ok(["volume", "rm", "lost161", "x161"]);
  });
});

describe("--mount", () => {
  const quiet = ["--network", "none"];
  const mounted = (mount: string, ...command: string[]) =>
    box.kelp(["run", "--rm", "--mount", mount, ...quiet, BUSYBOX, ...command]);

  test("subpath: a directory or file of a volume; a link leads to places of the volume only", async () => {
    const script = "mkdir -p /v/a/b; echo deep > /v/a/b/f; ln -s /a/b /v/inner; ln -s /etc /v/outer";
    await box.ok(["run", "--rm", "-v", "s161:/v", ...quiet, BUSYBOX, "sh", "-c", script]);
    expect((await mounted("type=volume,src=s161,dst=/d,subpath=a/b", "cat", "/d/f")).stdout).toBe("deep\n");
    expect((await mounted("type=volume,src=s161,dst=/f,volume-subpath=a/b/f", "cat", "/f")).stdout).toBe(
      "deep\n",
    );
    const outer = await mounted("type=volume,src=s161,dst=/d,subpath=outer", "ls", "/d");
    expect({ code: outer.code, stdout: outer.stdout }).toEqual({ code: 125, stdout: "" });
    const up = await mounted("type=volume,src=s161,dst=/d,subpath=../..", "ls", "/d");
    expect(up.stderr).toContain("must be a path beneath the volume");
    await box.ok(["volume", "rm", "s161"]);
  });

  test("image: its files, read-only or with changes of the container's own", async () => {
    const read = await mounted(`type=image,src=${BUSYBOX},dst=/i`, "sh", "-c", "ls /i/bin/sh; touch /i/x");
    expect({ code: read.code, stdout: read.stdout }).toEqual({ code: 1, stdout: "/i/bin/sh\n" });
    expect(read.stderr).toContain("Read-only file system");
    const write = await mounted(
      `type=image,src=${BUSYBOX},dst=/i,rw=true`,
      "sh",
      "-c",
      "echo y > /i/x; cat /i/x",
    );
    expect(write).toEqual({ code: 0, stdout: "y\n", stderr: "" });
    const part = await mounted(`type=image,src=${BUSYBOX},dst=/i,subpath=bin`, "ls", "/i/sh");
    expect(part.stdout).toBe("/i/sh\n");
    const own = ["--userns", "keep-id", "--mount", `type=image,src=${BUSYBOX},dst=/i`];
    const owner = ["stat", "-c", "%u", "/i/bin/sh"];
    expect(await box.ok(["run", "--rm", ...own, ...quiet, BUSYBOX, ...owner])).toBe("0");
  });

  test("glob: each file it matches, at its path or in a directory", async () => {
    for (const name of ["a161", "b161"]) writeFileSync(join(box.directory, name), name);
    const pattern = join(box.directory, "[ab]161");
    expect((await mounted(`type=glob,src=${pattern},dst=/g`, "sh", "-c", "cat /g/a161 /g/b161")).stdout).toBe(
      "a161b161",
    );
    const none = await mounted(`type=glob,src=${join(box.directory, "nothing*")},dst=/g`, "true");
    expect(none.code).toBe(125);
    expect(none.stderr).toContain("no file paths matching glob");
  });

  test("idmap is refused by name", async () => {
    const { code, stderr } = await mounted("type=volume,src=i161,dst=/v,idmap", "true");
    expect(code).toBe(125);
    expect(stderr).toContain("idmap");
    await box.kelp(["volume", "rm", "i161"]);
  });
});

describe("U", () => {
  test("changes owners once: what has its owner already is not gone through again", async () => {
    const flags = ["--user", "7:8", "-v", "o161:/v:U", "--network", "none", BUSYBOX];
    await box.ok(["run", "--rm", ...flags, "touch", "/v/f"]);
    await box.ok(["run", "--rm", "-v", "o161:/v", "--network", "none", BUSYBOX, "chown", "9:9", "/v/f"]);
    expect(await box.ok(["run", "--rm", ...flags, "stat", "-c", "%u:%g", "/v", "/v/f"])).toBe("7:8\n9:9");
    await box.ok(["volume", "rm", "o161"]);
  });
});

describe("a bind mount that cannot be", () => {
  const tried = (volume: string) => box.kelp(["run", "--rm", "-v", volume, BUSYBOX, "true"]);

  test("what lies behind another user's directory is refused by its path, as what is not there", async () => {
    const closed = join(box.directory, "closed161");
    mkdirSync(closed, { mode: 0 });
    for (const [path, reason] of [
      [join(closed, "f"), "permission denied"],
      [join(box.directory, "none161"), "no such file or directory"],
    ])
      expect(await tried(`${path}:/x`)).toEqual({
        code: 125,
        stdout: "",
        stderr: `Error: statfs ${path}: ${reason}\n`,
      });
    chmodSync(closed, 0o700);
  });

  test("a file over a directory, or the other way round, is told in these words", async () => {
    const file = join(box.directory, "file161");
    writeFileSync(file, "");
    for (const [source, target] of [
      [file, "/etc"],
      [box.directory, "/etc/passwd"],
    ])
      expect(await tried(`${source}:${target}`)).toEqual({
        code: 125,
        stdout: "",
        stderr: `Error: cannot mount ${source} on ${target}: a directory can be mounted on a directory only, and a file on a file\n`,
      });
  });
});
