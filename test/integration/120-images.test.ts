/** Images in and out, as a user has them: archives of all kinds, broken and hostile ones, names, removal. */
import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  BUSYBOX,
  busyboxArchive,
  dockerArchive,
  KELP,
  makeCanary,
  makeTar,
  rawTar,
  requires,
  run,
  useSandbox,
} from "../support/index.ts";

const box = useSandbox("120-images");
let archive: string;

beforeAll(async () => {
  archive = await busyboxArchive();
});

const file = (name: string) => join(box.directory, name);
const id = (name: string) => box.ok(["images", "-q", "--no-trunc", name]);

/** Everything the store holds beneath blobs/, layers/ and tmp/. */
async function storeFiles(): Promise<string[]> {
  const root = await box
    .ok(["info", "--format", "{{.Store.GraphRoot}}"])
    .catch(() => join(box.env.XDG_DATA_HOME ?? join(box.env.HOME as string, ".local/share"), "kelp"));
  const list = (dir: string) => {
    try {
      return readdirSync(join(root, dir)).map((name) => `${dir}/${name}`);
    } catch {
      return [];
    }
  };
  return ["blobs/sha256", "layers", "tmp"].flatMap(list);
}

requires("overlay").test("load, save and load again keep the image's ID, in every format", async () => {
  expect(await box.ok(["load", "-i", archive])).toBe(`Loaded image: ${BUSYBOX}`);
  const before = await id(BUSYBOX);
  for (const format of ["docker-archive", "oci-archive", "oci-dir", "docker-dir"]) {
    const out = file(`saved-${format}`);
    await box.ok(["save", "--format", format, "-o", out, BUSYBOX]);
    await box.ok(["rmi", BUSYBOX]);
    const loaded = await box.ok(["load", "-i", out]);
    if (format === "docker-dir") await box.ok(["tag", loaded.replace("Loaded image: ", ""), BUSYBOX]);
    expect(await id(BUSYBOX)).toBe(before);
    expect(await box.ok(["run", "--rm", BUSYBOX, "echo", format])).toBe(format);
  }
});

test("OCI images keep their manifest's digest through load, save and load", async () => {
  const digest = () => box.ok(["image", "inspect", "--format", "{{.Digest}}", BUSYBOX]);
  await box.ok(["save", "--format", "oci-archive", "-o", file("oci1.tar"), BUSYBOX]);
  await box.ok(["rmi", BUSYBOX]);
  await box.ok(["load", "-i", file("oci1.tar")]);
  const before = await digest();
  await box.ok(["save", "--format", "oci-archive", "-o", file("oci2.tar"), BUSYBOX]);
  await box.ok(["rmi", BUSYBOX]);
  await box.ok(["load", "-i", file("oci2.tar")]);
  expect(await digest()).toBe(before);
});

test("save never gives one image the name of another; docker's word for two images saves two", async () => {
  const out = file("two.tar");
  const other = await box.ok(["commit", "-q", await box.ok(["create", BUSYBOX])]);
  await box.ok(["tag", other, "other:1"]);
  expect(await box.kelp(["save", "-o", out, BUSYBOX, "other:1"])).toEqual({
    code: 125,
    stdout: "",
    stderr: 'Error: cannot save "other:1" as a further name: it is another image\n',
  });
  expect(existsSync(out)).toBe(false);
  await box.ok(["save", "-o", out, BUSYBOX, "further:1"]);
  const docker = join(box.directory, "docker");
  symlinkSync(KELP, docker);
  const saved = await run(docker, ["save", "-o", out, BUSYBOX, "other:1"], { env: box.env });
  expect(saved).toMatchObject({ code: 0, stdout: "", stderr: "" });
  await box.ok(["rmi", "other:1"]);
  await box.ok(["load", "-i", out]);
  expect(await id("other:1")).toEndWith(other);
  await box.ok(["rm", "-a"]);
  await box.ok(["rmi", "other:1"]);
});

requires("skopeo").test("skopeo reads what save writes", async () => {
  for (const format of ["docker-archive", "oci-archive"]) {
    await box.ok(["save", "--format", format, "-o", file(`skopeo-${format}`), BUSYBOX]);
    const { code, stderr } = await run("skopeo", ["inspect", `${format}:${file(`skopeo-${format}`)}`], {
      env: box.env,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  }
});

test("a layout directory holds several images by the names other tools ask for, and gives each back", async () => {
  const layout = file("layout");
  await box.ok(["push", "-q", BUSYBOX, `oci:${layout}:one`]);
  await box.ok(["import", "-q", "-", "localhost/other:1"], {
    stdin: await makeTar([{ name: "x", content: "x" }]),
  });
  await box.ok(["push", "-q", "localhost/other:1", `oci:${layout}:two`]);
  await box.ok(["push", "-q", "localhost/other:1", `oci:${layout}:two`]);
  const { manifests } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
  const names = manifests.map((entry: { annotations: Record<string, string> }) =>
    Object.values(entry.annotations),
  );
  expect(names).toEqual([["one"], ["two"]]);
  const other = await id("localhost/other:1");
  await box.ok(["rmi", "localhost/other:1"]);
  expect(`sha256:${await box.ok(["pull", "-q", `oci:${layout}:two`])}`).toBe(other);
  await box.ok(["rmi", other.slice(7)]);
});

requires("umoci").test("umoci changes an image in kelp's layout, and kelp runs the result", async () => {
  const layout = file("for-umoci");
  const bundle = file("bundle");
  await box.ok(["push", "-q", BUSYBOX, `oci:${layout}:a`]);
  const umoci = async (...args: string[]) => {
    const { code, stderr } = await run("umoci", args, { env: box.env });
    expect({ args, code, stderr }).toMatchObject({ code: 0 });
  };
  await umoci("unpack", "--rootless", "--image", `${layout}:a`, bundle);
  writeFileSync(join(bundle, "rootfs", "by-umoci"), "hello");
  await umoci("repack", "--image", `${layout}:b`, bundle);
  const made = await box.ok(["pull", "-q", `oci:${layout}:b`]);
  expect(await box.ok(["run", "--rm", made, "cat", "/by-umoci"])).toBe("hello");
  await box.ok(["rmi", "-f", made]);
});

describe("import", () => {
  test("takes plain, gzip and zstd tars, from a file and from standard input", async () => {
    const tar = await makeTar([{ name: "etc" }, { name: "etc/x", content: "hi" }]);
    for (const [name, data] of [
      ["plain", tar],
      ["gzip", gzipSync(tar)],
      ["zstd", zstdCompressSync(tar)],
    ] as const) {
      writeFileSync(file(name), data);
      expect(await box.ok(["import", "-q", file(name), name])).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(await box.ok(["import", "-q", "-", `stdin-${name}`], { stdin: data })).toMatch(/^sha256:/);
    }
    await box.ok(["import", "-q", "-c", "CMD cat /etc/x", "-m", "note", file("plain"), "changed"]);
    expect(await box.ok(["image", "inspect", "--format", "{{.Config.Cmd}} {{.Comment}}", "changed"])).toBe(
      "[/bin/sh -c cat /etc/x] note",
    );
  });
});

describe("what is broken or hostile is refused and leaves nothing", () => {
  async function refused(data: Buffer, words: RegExp): Promise<void> {
    const before = await storeFiles();
    writeFileSync(file("bad.tar"), data);
    const { code, stdout, stderr } = await box.kelp(["load", "-i", file("bad.tar")]);
    expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
    expect(stderr).toMatch(words);
    expect(stderr.split("\n").filter((line) => line !== "" && !line.startsWith("Hint:"))).toHaveLength(1);
    expect(await storeFiles()).toEqual(before);
  }

  test("no archive at all", async () => {
    await refused(
      Buffer.from("I am no archive"),
      /payload does not match any of the supported image formats/,
    );
    await refused(Buffer.alloc(0), /payload does not match/);
  });

  test("truncated archives", async () => {
    const whole = await dockerArchive([await makeTar([{ name: "f", content: "x".repeat(4000) }])], {
      tags: ["localhost/cut:1"],
    });
    for (const length of [700, 3000, 6000]) await refused(whole.subarray(0, length), /^Error: cannot /);
    await refused(gzipSync(whole).subarray(0, 200), /intact gzip/);
  });

  test("U1, U2, U3, U9: layers that want out", async () => {
    const canary = makeCanary(box.directory);
    const attacks = [
      [{ name: "../x", data: "evil" }],
      [{ name: ".", type: "2", link: canary.directory }],
      [
        { name: "d", type: "2", link: canary.directory },
        { name: "h", type: "1", link: "d/x" },
      ],
      [{ name: "d", type: "2", link: canary.directory }, { name: "d/.wh.x" }],
    ];
    for (const entries of attacks)
      await refused(await dockerArchive([rawTar(entries)], { tags: ["localhost/evil:1"] }), /archive entry/);
    canary.expectIntact();
    canary.remove();
  });

  test("U1: an absolute name is a place inside the image", async () => {
    const canary = makeCanary(box.directory);
    const entries = [{ name: `${canary.directory}/x`, data: "evil" }];
    writeFileSync(
      file("absolute.tar"),
      await dockerArchive([rawTar(entries)], { tags: ["localhost/abs:1"] }),
    );
    expect(await box.ok(["load", "-i", file("absolute.tar")])).toBe("Loaded image: localhost/abs:1");
    canary.expectIntact();
    canary.remove();
    await box.ok(["rmi", "localhost/abs:1"]);
  });

  test("R1, R2: manifests that lie", async () => {
    const layer = await makeTar([{ name: "f", content: "x" }]);
    const good = await dockerArchive([layer], { tags: ["localhost/lie:1"] });
    const swap = (from: RegExp, to: string) =>
      Buffer.from(
        good.toString("latin1").replace(from, (found) => to.padEnd(found.length)),
        "latin1",
      );
    await refused(swap(/"RepoTags":\["localhost\/lie:1"\]/, '"RepoTags":["../etc"]'), /image name/);
    await refused(swap(/diff_ids":\["sha256:[0-9a-f]{8}/, 'diff_ids":["sha256:00000000'), /diffID/);
    await refused(
      swap(/diff_ids":\["sha256:[0-9a-f]{8}/, 'diff_ids":["sha256:../../xx'),
      /not a sha256 digest/,
    );
    const { code } = await box.kelp(["image", "exists", "localhost/lie:1"]);
    expect(code).toBe(1);
  });
});

describe("names and removal", () => {
  test("the last name removes, others untag; a missing one is exit 1", async () => {
    await box.ok(["load", "-i", archive]);
    await box.ok(["tag", BUSYBOX, "second", "quay.io/me/third:1"]);
    expect(await box.ok(["rmi", "second"])).toBe("Untagged: localhost/second:latest");
    await box.ok(["untag", BUSYBOX, "quay.io/me/third:1"]);
    expect(await box.ok(["image", "inspect", "--format", "{{.RepoTags}}", BUSYBOX])).toBe(`[${BUSYBOX}]`);
    const missing = await box.kelp(["rmi", "nosuch"]);
    expect(missing).toMatchObject({ code: 1, stdout: "", stderr: "Error: nosuch: image not known\n" });
    expect(await box.kelp(["rmi", "--ignore", "nosuch"])).toMatchObject({ code: 0, stderr: "" });
  });

  requires("overlay").test("an image in use is exit 2, and goes with --force", async () => {
    await box.ok(["create", "--name", "user", BUSYBOX, "true"]);
    const used = await box.kelp(["rmi", BUSYBOX]);
    expect(used.code).toBe(2);
    expect(used.stderr).toMatch(/image is in use by a container/);
    expect(await box.ok(["rmi", "-f", BUSYBOX])).toMatch(/^Untagged: .*\nDeleted: [0-9a-f]{64}$/);
    expect(await box.ok(["ps", "-aq"])).toBe("");
  });

  test("when all images are gone the store is empty, files of subordinate ids too", async () => {
    const tar = rawTar([
      { name: "d/", type: "5", mode: 0o700, uid: 1000, gid: 1000 },
      { name: "d/f", uid: 1000 },
    ]);
    await box.ok(["import", "-q", "-", "owned"], { stdin: tar });
    expect((await storeFiles()).length).toBeGreaterThan(3);
    await box.ok(["rmi", "--all", "--force"]);
    expect(await storeFiles()).toEqual([]);
  });
});

test("a load killed at any moment leaves a store that the next command reads, and cleans", async () => {
  const layers = await Promise.all(
    ["a", "b", "c"].map((name) =>
      makeTar([{ name, content: name.repeat(3_000_000) }, { name: `${name}dir` }]),
    ),
  );
  writeFileSync(file("kill.tar"), await dockerArchive(layers, { tags: ["localhost/kill:1"] }));
  for (const delay of [5, 20, 40, 60, 80, 110, 150, 200]) {
    await box.kelp(["load", "-i", file("kill.tar")], { timeout: delay });
    const { code } = await box.kelp(["image", "exists", "localhost/kill:1"]);
    // There as a whole, or not at all.
    if (code === 0) await box.ok(["save", "-o", file("whole.tar"), "localhost/kill:1"]);
  }
  await box.ok(["load", "-i", file("kill.tar")]);
  await box.ok(["rmi", "localhost/kill:1"]);
  expect(await storeFiles()).toEqual([]);
});
