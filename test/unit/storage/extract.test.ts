/** Layers in the form archives have them, and in the form attackers give them. Each runs in a real user namespace. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { sha256 } from "../../../src/oci/index.ts";
import type { UnpackedLayer } from "../../../src/storage/unpack-job.ts";
import { paxEntry, type RawEntry, rawTar } from "../../support/raw-tar.ts";
import { namespaceFlags, runUnshared, shellUnshared } from "../../support/unshared.ts";

let scratch: string;
let count = 0;
const many = namespaceFlags().includes("--map-auto");

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "kelp-extract-"));
});
afterAll(() => {
  shellUnshared(`rm -rf '${scratch}'`);
});

interface Unpacked {
  readonly dir: string;
  readonly recording: string;
  readonly blobOut: string;
  readonly layer: UnpackedLayer;
}

async function unpack(
  tar: Buffer,
  options: {
    diffId?: string;
    compression?: "none" | "gzip" | "zstd";
    dir?: string;
    maxUnpacked?: number;
  } = {},
): Promise<Unpacked> {
  const base = join(scratch, `case-${count++}`);
  mkdirSync(base);
  const dir = options.dir ?? join(base, "layer");
  if (options.dir === undefined) mkdirSync(dir);
  writeFileSync(join(base, "tar"), tar);
  const request = {
    source: { path: join(base, "tar"), offset: 0, size: tar.length },
    compression: options.compression ?? "none",
    dir,
    recording: join(base, "rec"),
    blobOut: join(base, "blob"),
    maxUnpacked: options.maxUnpacked ?? 1 << 30,
    name: "layer 0",
    ...(options.diffId === undefined ? {} : { diffId: options.diffId as never }),
  } as const;
  const [layer] = await runUnshared("unpack-layers", { lock: join(scratch, "lock"), layers: [request] });
  return { dir, recording: request.recording, blobOut: request.blobOut, layer: layer as UnpackedLayer };
}

const ls = (dir: string) =>
  shellUnshared(`cd '${dir}' && find . -mindepth 1 -printf '%P %y %m %U:%G %s %l\\n' | sort`);

describe("ordinary layers", () => {
  test("keep kinds, owners, modes, links and times", async () => {
    const { dir, layer } = await unpack(
      rawTar([
        { name: "./", type: "5", mode: 0o755, mtime: 1000 },
        { name: "etc/", type: "5", mode: 0o750, mtime: 86400 },
        { name: "etc/passwd", data: "root", mode: 0o4644, uid: many ? 12 : 0, gid: many ? 34 : 0, mtime: 5 },
        { name: "etc/copy", type: "1", link: "etc/passwd" },
        { name: "etc/link", type: "2", link: "/etc/passwd" },
        { name: "pipe", type: "6", mode: 0o600 },
        { name: "dev/null", type: "3", major: 1, minor: 3 },
      ]),
    );
    const ids = many ? "12:34" : "0:0";
    expect(ls(dir)).toBe(
      `dev d 755 0:0 4096 \netc d 750 0:0 4096 \netc/copy f 4644 ${ids} 4 \netc/link l 777 0:0 11 /etc/passwd\netc/passwd f 4644 ${ids} 4 \npipe p 600 0:0 0 \n`,
    );
    expect(statSync(join(dir, "etc")).mtimeMs).toBe(86400_000);
    expect(layer).toMatchObject({ size: 4, implied: ["dev"], devicesSkipped: 1, kept: "recording" });
  });

  test("may be compressed; the compressed bytes are kept and both digests come back", async () => {
    const tar = rawTar([{ name: "f", data: "x".repeat(5_000_000) }]);
    for (const [compression, packed] of [
      ["gzip", gzipSync(tar)],
      ["zstd", zstdCompressSync(tar)],
    ] as const) {
      const { layer, blobOut } = await unpack(packed, { compression });
      expect(layer).toMatchObject({
        diffId: sha256(tar),
        blob: sha256(packed),
        kept: "blob",
        size: 5_000_000,
      });
      expect(readFileSync(blobOut).equals(packed)).toBe(true);
    }
  });

  test("have sparse files in all four forms, PAX and GNU long names", async () => {
    const gnu = join(scratch, "gnu");
    mkdirSync(gnu);
    const long = "n".repeat(120);
    shellUnshared(
      `cd '${gnu}' && truncate -s 3M s && printf end >> s && printf a | dd of=s bs=1 seek=1048576 conv=notrunc 2>/dev/null; mkdir -p ${long} && echo x > ${long}/${long}; cp --sparse=always s t`,
    );
    for (const format of [
      "--format=gnu -S",
      "--format=pax -S --sparse-version=0.0",
      "--format=pax -S --sparse-version=0.1",
      "--format=pax -S --sparse-version=1.0",
    ]) {
      shellUnshared(`cd '${gnu}' && tar -cf ../gnu.tar --owner=0 --group=0 ${format} .`);
      const tar = readFileSync(join(scratch, "gnu.tar"));
      const { dir, recording, layer } = await unpack(tar);
      expect(shellUnshared(`diff -r '${gnu}' '${dir}'`)).toBe("");
      expect(layer.kept).toBe("recording");
      const out = join(scratch, `again-${count}`);
      await runUnshared("assemble-layers", { layers: [{ dir, recording, out, diffId: sha256(tar) }] });
      expect(readFileSync(out).equals(tar)).toBe(true);
    }
  });

  test("keep names that are no UTF-8 and names with a newline", async () => {
    const { dir } = await unpack(
      rawTar([
        { name: Buffer.from([0x66, 0xff, 0xfe]), data: "1" },
        { name: Buffer.from([0x2e, 0x77, 0x68, 0x2e, 0xe9]) },
        { name: "a\nb", data: "2" },
      ]),
    );
    expect(
      shellUnshared(`cd '${dir}' && find . -mindepth 1 -printf '%y%f|' | od -An -c | tr -d ' \\n'`),
    ).toContain("f377376");
    expect(shellUnshared(`cd '${dir}' && find . -type c | wc -l`).trim()).toBe("1");
  });

  test("that replace their own files are kept as they are", async () => {
    const tar = rawTar([
      { name: "f", data: "one" },
      { name: "f", data: "two!" },
    ]);
    const { dir, layer, blobOut } = await unpack(tar);
    expect(readFileSync(join(dir, "f"), "utf8")).toBe("two!");
    expect(layer.kept).toBe("blob");
    expect(readFileSync(blobOut).equals(tar)).toBe(true);
  });
});

describe("whiteouts", () => {
  test("become what the kernel's overlay obeys", async () => {
    const { dir } = await unpack(
      rawTar([
        { name: "gone/.wh.file" },
        { name: "hidden/.wh..wh..opq" },
        { name: "hidden/new", data: "n" },
        { name: ".wh.dir" },
        { name: "dir/", type: "5" },
        { name: "own/", type: "5" },
        { name: "own/f", data: "f" },
        { name: ".wh.own" },
        { name: ".wh..wh.plnk", data: "x" },
      ]),
    );
    expect(shellUnshared(`cd '${dir}' && stat -c '%n %F %t:%T' gone/file`)).toBe(
      "gone/file character special file 0:0\n",
    );
    expect(shellUnshared(`cd '${dir}' && getfattr -n user.overlay.opaque --only-values hidden dir own`)).toBe(
      "yyy",
    );
    expect(shellUnshared(`cat '${dir}/own/f'`)).toBe("f");
  });

  test("U8: 5,000 opaque markers in one directory cost no more than as many files", async () => {
    const entries: RawEntry[] = [];
    for (let i = 0; i < 5000; i++) entries.push({ name: `d/f${i}` }, { name: "d/.wh..wh..opq" });
    const start = performance.now();
    await unpack(rawTar(entries));
    expect(performance.now() - start).toBeLessThan(15_000);
  }, 30_000);

  test("U9: odd ones are refused", async () => {
    for (const name of [".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh.."]) {
      await expect(unpack(rawTar([{ name }]))).rejects.toThrow(/whiteout of no file/);
    }
    await expect(
      unpack(rawTar([{ name: "d", type: "2", link: scratch }, { name: "d/.wh.f" }])),
    ).rejects.toThrow(/symbolic link/);
  });
});

describe("U11: attributes overlay would obey", () => {
  test("never come from an archive; a file's own do", async () => {
    const keys = [
      "user.overlay.opaque",
      "user.overlay.redirect",
      "user.overlay.metacopy",
      "trusted.overlay.opaque",
      "user.fuseoverlayfs.opaque",
      "user.containers.override_stat",
      "security.selinux",
    ];
    const records = [...keys, "user.mine"].map((key) => ({ key: `SCHILY.xattr.${key}`, value: "y" }));
    const { dir } = await unpack(
      rawTar([
        paxEntry(records),
        { name: "f" },
        paxEntry(records),
        { name: "d/", type: "5" },
        paxEntry(records),
        { name: "./", type: "5" },
      ]),
    );
    const found = shellUnshared(`cd '${dir}' && getfattr -d -m - . f d | grep =`);
    expect(found).toBe('user.mine="y"\n'.repeat(3));
  });

  test("U12: a name of 256 bytes is refused", async () => {
    const records = [{ key: `SCHILY.xattr.user.${"x".repeat(251)}`, value: "y" }];
    await expect(unpack(rawTar([paxEntry(records), { name: "f" }]))).rejects.toThrow(/extended attribute/);
  });
});

describe("archives that want out", () => {
  let canary: string;
  let fingerprint: () => string;

  beforeAll(() => {
    canary = join(scratch, "canary");
    mkdirSync(canary);
    writeFileSync(join(canary, "f"), "token", { mode: 0o640 });
    fingerprint = () => shellUnshared(`cd '${canary}' && stat -c '%n %a %u %g %h %Y %i' . f; cat f; ls -a`);
  });

  const up = "../".repeat(20);
  const links = (target: string): RawEntry[] => [{ name: "d", type: "2", link: target }];

  /** Refused or harmless; the canary must not feel it either way. */
  async function attack(entries: readonly RawEntry[]): Promise<"refused" | "harmless"> {
    const before = fingerprint();
    const outcome = await unpack(rawTar(entries)).then(
      () => "harmless" as const,
      (error: Error) => {
        expect(error.message).toMatch(/^cannot (read|unpack) /);
        return "refused" as const;
      },
    );
    expect(fingerprint()).toBe(before);
    return outcome;
  }

  test("U1: through links laid down before", async () => {
    for (const target of [canary, up + canary.slice(1)]) {
      await attack([...links(target), { name: "d/x", data: "evil" }]);
      await attack([...links(target), { name: "d/f", data: "evil" }]);
      await attack([
        { name: "a", type: "2", link: target },
        { name: "b", type: "2", link: "a" },
        { name: "b/f", data: "evil" },
      ]);
    }
  });

  test("U2: an entry in the place of the root is refused", async () => {
    for (const name of [".", "./", "/", "", "..", "a/..", "./."]) {
      expect(await attack([{ name, type: "2", link: canary }])).toBe("refused");
    }
  });

  test("U3: through hard links", async () => {
    for (const link of [`${up}${canary.slice(1)}/f`, `${canary}/f`, "d/f", "../f"]) {
      expect(await attack([...links(canary), { name: "x", type: "1", link }])).toBe("refused");
    }
    await attack([
      { name: "d/", type: "5" },
      { name: "d/y" },
      ...links(canary),
      { name: "d/f", data: "evil" },
    ]);
  });

  test("an absolute name means a place inside", async () => {
    expect(await attack([{ name: `${canary}/x`, data: "inside" }])).not.toBe("refused");
    expect(await attack([{ name: "x", type: "1", link: `${canary}/f` }])).toBe("refused");
    const { dir } = await unpack(rawTar([{ name: "/etc/motd", data: "hello" }]));
    expect(readFileSync(join(dir, "etc/motd"), "utf8")).toBe("hello");
  });

  test("names with .., empty, too long, with a NUL, are refused by name", async () => {
    for (const name of ["../x", "a/../../x", "a/..", "x".repeat(256)]) {
      const entries =
        name.length > 100 ? [{ name: "long", type: "L", data: `${name}\0` }, { name: "short" }] : [{ name }];
      expect(await attack(entries)).toBe("refused");
    }
    expect(await attack([{ name: "l", type: "L", data: `${"x/".repeat(2048)}x\0` }, { name: "s" }])).toBe(
      "refused",
    );
    expect(await attack([paxEntry([{ key: "path", value: "a\0b" }]), { name: "s" }])).toBe("refused");
    await expect(unpack(rawTar([{ name: "../x" }]))).rejects.toThrow(
      'cannot read archive entry "../x": its name leads out',
    );
  });

  test("U10: modes and owners through links", async () => {
    await attack([{ name: "f", type: "2", link: `${canary}/f`, mode: 0o4777, uid: 0 }]);
    await attack([...links(canary), { name: "d/", type: "5", mode: 0o777 }]);
  });

  test("U12: a file where a parent should be; devices that would be whiteouts", async () => {
    expect(await attack([{ name: "a", data: "x" }, { name: "a/b" }])).toBe("refused");
    const { dir } = await unpack(rawTar([{ name: "w", type: "3", major: 0, minor: 0 }]));
    expect(ls(dir)).toBe("");
  });
});

describe("archives that lie", () => {
  const refused = (tar: Buffer) => expect(unpack(tar)).rejects.toThrow(/^cannot /);

  test("U6: two readings of one archive", async () => {
    await refused(
      rawTar([
        paxEntry([
          { key: "size", value: "0" },
          { key: "size", value: "512" },
        ]),
        { name: "f" },
      ]),
    );
    await refused(rawTar([paxEntry([{ key: "path", value: "a", length: 8 }]), { name: "f" }]));
    await refused(
      rawTar([paxEntry([{ key: "path", value: "a" }]), { name: "l", type: "L", data: "b\0" }, { name: "f" }]),
    );
    await refused(rawTar([paxEntry([{ key: "path", value: "evil" }], "g"), { name: "f" }]));
    await refused(rawTar([{ name: "f", checksum: 1 }]));
    await refused(rawTar([{ name: "f", type: "Z" }]));
    await refused(rawTar([{ name: "s", type: "2", link: "x", data: "hidden", size: 6 }]));
    const { dir } = await unpack(
      rawTar([paxEntry([{ key: "size", value: "3" }]), { name: "f", size: 0, data: "abc" }]),
    );
    expect(readFileSync(join(dir, "f"), "utf8")).toBe("abc");
  });

  test("U7: claims of gigabytes are refused before memory is taken", async () => {
    for (const type of ["x", "g", "L", "K"])
      await refused(rawTar([{ name: "h", type, size: 8 * 2 ** 30, base256: true }]));
    await refused(rawTar([{ name: "f", size: 8 * 2 ** 30, base256: true }]));
  });

  test("U7: what grows out of proportion stops at its limit", async () => {
    const bomb = gzipSync(rawTar([{ name: "f", data: Buffer.alloc(20 << 20) }]));
    await expect(unpack(bomb, { compression: "gzip", maxUnpacked: 1 << 20 })).rejects.toThrow(
      /out of proportion/,
    );
    const padding = gzipSync(Buffer.concat([rawTar([]), Buffer.alloc(20 << 20)]));
    await expect(unpack(padding, { compression: "gzip" })).rejects.toThrow(/end marker/);
  });

  test("truncated ones are refused at every length", async () => {
    const tar = rawTar(
      [
        { name: "d/", type: "5" },
        { name: "d/f", data: "x".repeat(600) },
      ],
      { end: false },
    );
    for (const length of [1, 511, 513, 1024, 1500, tar.length - 1]) await refused(tar.subarray(0, length));
    const packed = gzipSync(tar);
    const short = packed.subarray(0, packed.length - 9);
    await expect(unpack(short, { compression: "gzip" })).rejects.toThrow(/not intact gzip/);
    await expect(unpack(Buffer.from("plain"), { compression: "zstd" })).rejects.toThrow(/not intact zstd/);
  });

  test("R2: a layer that is not what its image promises", async () => {
    await expect(unpack(rawTar([{ name: "f" }]), { diffId: sha256("other") })).rejects.toThrow(/diffID/);
  });
});

test("a layer written through a link of its own is kept as it is, and stays inside", async () => {
  const tar = rawTar([
    { name: "usr/lib/", type: "5" },
    { name: "lib", type: "2", link: "usr/lib" },
    { name: "lib/x", data: "x" },
  ]);
  const { dir, layer } = await unpack(tar);
  expect(shellUnshared(`cat '${dir}/usr/lib/x'`)).toBe("x");
  expect(layer.kept).toBe("blob");
});

test("remove-trees deletes what is deeper than a path can name, and never follows a link", async () => {
  const tree = join(scratch, "deep");
  const kept = join(scratch, "kept");
  mkdirSync(kept);
  writeFileSync(join(kept, "f"), "");
  shellUnshared(
    `mkdir '${tree}' && cd '${tree}' && ln -s '${kept}' l && for i in $(seq 1 30); do mkdir -p ${"d".repeat(200)} && cd ${"d".repeat(200)} || exit; touch f; done; chmod 0 '${tree}'`,
  );
  await runUnshared("remove-trees", { paths: [tree, join(scratch, "absent")] });
  expect(() => statSync(tree)).toThrow();
  expect(statSync(join(kept, "f")).size).toBe(0);
  rmSync(kept, { recursive: true });
});
