/**
 * Attacks of archives and of names on the host, by the rows U1 to U5, U9, R7 and R10: what an archive or an image
 * config says may reach no file and no variable outside. The control of the U rows unpacks each archive as a naive
 * program would, and does harm: the archive is a weapon, so that "nothing happened" means something.
 */
import { afterAll, afterEach, beforeAll, describe, expect } from "bun:test";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import {
  BUSYBOX,
  busyboxArchive,
  busyboxFiles,
  type Canary,
  dockerArchive,
  makeCanary,
  makeTar,
  type RawEntry,
  rawTar,
  requires,
  useSandbox,
} from "../support/index.ts";
import { StubRegistry } from "../support/stub-registry.ts";

const box = useSandbox("attack-archives");
const { test } = requires("busybox", "overlay", "subuid");
let canary: Canary;
let stub: StubRegistry;
const file = (name: string) => join(box.directory, name);

beforeAll(async () => {
  stub = await StubRegistry.start();
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
  canary = makeCanary(box.directory);
});
afterAll(() => stub.stop());
afterEach(() => canary.expectIntact());

/**
 * Joins strings, as unpackers did that are in the catalogue; true if it wrote where the archive aimed. With `compares` it looks
 * where a name has led to, and takes every path for one inside that begins like the root's: the prey's does.
 */
function harmsTheNaive(
  layers: readonly (readonly RawEntry[])[],
  target: string,
  { name = "x", compares = false } = {},
): boolean {
  const root = file("naive");
  const prey = file("naive-prey");
  mkdirSync(root);
  mkdirSync(prey);
  writeFileSync(join(prey, name), "mine");
  const isInside = (path: string) => !compares || realpathSync(dirname(path)).startsWith(root);
  for (const entry of layers.flat()) naively(root, entry, (text) => text.replaceAll(target, prey), isInside);
  const harmed = !existsSync(join(prey, name)) || readFileSync(join(prey, name), "utf8") !== "mine";
  for (const path of [root, prey]) rmSync(path, { recursive: true, force: true });
  return harmed;
}

function naively(
  root: string,
  entry: RawEntry,
  aim: (text: string) => string,
  isInside: (path: string) => boolean,
): void {
  const path = aim(join(root, String(entry.name))).replace(/\/$/, "");
  try {
    if (!isInside(path)) return;
    if (entry.type === "2") {
      // What a link replaces goes first, whatever it is.
      rmSync(path, { recursive: true, force: true });
      symlinkSync(aim(entry.link ?? ""), path);
    } else if (entry.type === "1") linkSync(aim(join(root, entry.link ?? "")), path);
    else if (entry.type === "5") mkdirSync(path);
    else if (path.includes("/.wh.")) rmSync(path.replace("/.wh.", "/"));
    else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, String(entry.data));
    }
  } catch {
    // Not every archive can be unpacked as a whole so.
  }
}

const link = (name: string, to: string): RawEntry => ({ name, type: "2", link: to });
const evil = (name: string): RawEntry => ({ name, data: "evil" });

/** Loads an image with these layers; whether it is refused or stays inside, the host is as it was. */
async function unleash(layers: readonly (readonly RawEntry[])[]): Promise<string> {
  const tars = layers.map((entries) => rawTar(entries));
  writeFileSync(file("evil.tar"), await dockerArchive(tars, { tags: ["localhost/evil:1"] }));
  stub.add(
    "t/evil",
    "1",
    tars.map((tar) => ({ tar })),
  );
  const words: string[] = [];
  for (const args of [
    ["load", "-q", "-i", file("evil.tar")],
    ["pull", "-q", "--retry", "0", "--tls-verify=false", `${stub.host}/t/evil:1`],
  ]) {
    const { code, stderr } = await box.kelp(args);
    expect([0, 125]).toContain(code);
    words.push(stderr);
    canary.expectIntact();
    await box.kelp(["rmi", "--force", "--ignore", "localhost/evil:1", `${stub.host}/t/evil:1`]);
  }
  return words.join("");
}

describe("U1: a name that leads out through links of the archive", () => {
  test("in one layer, in two, and by chains of links, absolute and relative", async () => {
    const up = `${"../".repeat(20)}${canary.directory.slice(1)}`;
    const attacks: RawEntry[][][] = [];
    for (const target of [canary.directory, up])
      attacks.push([[link("d", target), evil("d/x")]], [[link("d", target)], [evil("d/x")]]);
    for (const hops of [2, 10]) {
      const chain = Array.from({ length: hops - 1 }, (_, n) => link(`l${n + 1}`, `l${n}`));
      attacks.push([[link("l0", canary.directory), ...chain, evil(`l${hops - 1}/x`)]]);
    }
    for (const attack of attacks) {
      if (!JSON.stringify(attack).includes("../")) expect(harmsTheNaive(attack, canary.directory)).toBe(true);
      await unleash(attack);
    }
  }, 120_000);

  test("through import, cp from standard input and an archive into a volume", async () => {
    const tar = rawTar([link("d", canary.directory), evil("d/x")]);
    await box.ok(["create", "--name", "target", BUSYBOX, "true"]);
    await box.ok(["volume", "create", "target"]);
    writeFileSync(file("in.tar"), tar);
    await box.kelp(["import", "-q", file("in.tar"), "localhost/imported:1"]);
    await box.kelp(["cp", "-", "target:/tmp"], { stdin: tar });
    await box.kelp(["volume", "import", "target", file("in.tar")]);
    canary.expectIntact();
    await box.ok(["rm", "target"]);
    await box.ok(["volume", "rm", "target"]);
    await box.kelp(["rmi", "-f", "--ignore", "localhost/imported:1"]);
  });
});

test("U2: an entry in the place of the root is refused by name, and the next layer lands inside", async () => {
  for (const name of [".", "./", "/", "./."])
    expect(harmsTheNaive([[link(name, canary.directory)], [evil("x")]], canary.directory)).toBe(true);
  for (const name of [".", "./", "/", "a/..", "./.", ".."]) {
    const words = await unleash([[link(name, canary.directory)], [evil("x")]]);
    expect(words).toMatch(/archive entry/);
  }
}, 120_000);

test("U3: hard links to files outside do not reach them, nor does what is written to them", async () => {
  const attacks: RawEntry[][] = [
    [{ name: "h", type: "1", link: `${"../".repeat(20)}${canary.directory.slice(1)}/x` }, evil("h")],
    [{ name: "h", type: "1", link: `${canary.directory}/x` }, evil("h")],
    [link("d", canary.directory), { name: "h", type: "1", link: "d/x" }, evil("h")],
    [{ name: "d", type: "5" }, evil("d/x"), link("d", canary.directory), evil("d/x")],
  ];
  expect(harmsTheNaive([attacks[2] as RawEntry[]], canary.directory)).toBe(true);
  for (const attack of attacks) await unleash([attack]);
}, 120_000);

describe("U4: a sibling whose name begins like the root's", () => {
  test("is not taken for a place inside", async () => {
    // Layers are unpacked in layers/.new-X: the sibling is any other name in there.
    const layers = join(box.directory, "data", "kelp", "layers");
    const sibling = join(layers, ".new-evil");
    mkdirSync(sibling, { recursive: true });
    writeFileSync(join(sibling, "x"), "mine");
    const attack = [[link("d", sibling), evil("d/x")]];
    expect(harmsTheNaive(attack, sibling, { compares: true })).toBe(true);
    for (const target of ["../.new-evil", sibling, "..", layers]) {
      await unleash([[link("d", target), evil("d/x"), evil("d/.new-evil/x")]]);
      await unleash([[evil(`${target}/x`)]]);
      // The sweep may take a directory that nobody recorded; nobody may write into it.
      if (existsSync(join(sibling, "x"))) expect(readFileSync(join(sibling, "x"), "utf8")).toBe("mine");
    }
    rmSync(sibling, { recursive: true, force: true });
  }, 120_000);
});

describe("U5: a volume that holds links", () => {
  test("import writes through none of them", async () => {
    await box.ok(["volume", "create", "v"]);
    const inside = (script: string) => box.ok(["run", "--rm", "-v", "v:/v", BUSYBOX, "sh", "-c", script]);
    await inside(`ln -s ${canary.directory} /v/a; ln -s ${canary.directory}/x /v/f; mkdir /v/real`);
    writeFileSync(file("v.tar"), rawTar([evil("a/x"), evil("f"), evil("real/ok")]));
    expect(harmsTheNaive([[link("a", canary.directory)], [evil("a/x")]], canary.directory)).toBe(true);
    await box.kelp(["volume", "import", "v", file("v.tar")]);
    canary.expectIntact();
    const only = rawTar([evil("real/ok")]);
    await box.ok(["volume", "import", "v", "-"], { stdin: only });
    expect(await inside("cat /v/real/ok")).toBe("evil");
    await box.ok(["volume", "rm", "v"]);
  });
});

test("U9: a whiteout beneath a link removes nothing outside", async () => {
  const attack = [link("d", canary.directory), { name: "d/.wh.x", data: "" }];
  expect(harmsTheNaive([attack], canary.directory)).toBe(true);
  expect(await unleash([attack])).toMatch(/archive entry/);
});

/** busybox with another config. */
async function withConfig(tag: string, config: Record<string, unknown>): Promise<string> {
  const name = `localhost/${tag}:1`;
  writeFileSync(
    file(`${tag}.tar`),
    await dockerArchive([await makeTar(busyboxFiles())], { config, tags: [name] }),
  );
  await box.ok(["load", "-q", "-i", file(`${tag}.tar`)]);
  return name;
}

describe("R7: variables of the caller", () => {
  test("come into no container by what an image's Env asks for, in run, exec and build", async () => {
    const name = await withConfig("env", {
      Env: ["PATH=/bin", "SECRET_X", "*", "SECRET_*", "=", "A=b=c"],
    });
    const env = { SECRET_X: canary.token };
    expect((await box.kelp(["run", "--rm", "-e", "SECRET_X", name, "env"], { env })).stdout).toContain(
      canary.token,
    );
    const ran = await box.kelp(["run", "--rm", name, "env"], { env });
    expect(ran.stdout).toContain("A=b=c");
    await box.ok(["run", "-d", "--name", "env", name, "sleep", "60"], { env });
    const execed = await box.kelp(["exec", "env", "env"], { env });
    writeFileSync(file("Dockerfile"), `FROM ${name}\nRUN env\n`);
    const built = await box.kelp(["build", "--no-cache", "-f", file("Dockerfile"), file("home")], { env });
    expect(built.code).toBe(0);
    for (const { stdout, stderr } of [ran, execed, built])
      expect(stdout + stderr).not.toContain(canary.token);
    await box.ok(["rm", "-f", "-t", "0", "env"]);
  });

  test("do not stay for the next container", async () => {
    await box.ok(["run", "--rm", "-e", `S=${canary.token}`, BUSYBOX, "true"]);
    expect(await box.ok(["run", "--rm", BUSYBOX, "env"])).not.toContain(canary.token);
  });
});

test("R10: a digest is served under no other name than it was had with, and a name that moves is told of", async () => {
  const digest = await box.ok(["image", "inspect", "--format", "{{.Digest}}", BUSYBOX]);
  const forged = await box.kelp(["image", "exists", `quay.io/trusted/app@${digest}`]);
  expect(forged.code).toBe(1);
  expect((await box.kelp(["image", "exists", `localhost/busybox@${digest}`])).code).toBe(0);
  const old = await withConfig("moves", { Cmd: ["old"] });
  const id = await box.ok(["images", "-q", "--no-trunc", old]);
  writeFileSync(
    file("moved.tar"),
    await dockerArchive([await makeTar(busyboxFiles())], { config: { Cmd: ["new"] }, tags: [old] }),
  );
  const { code, stderr } = await box.kelp(["load", "-i", file("moved.tar")]);
  expect({ code, told: stderr.includes(id.slice(7, 19)) }).toEqual({ code: 0, told: true });
});
