/** Layers on top of each other: what the driver without mounts copies, and what directories adopt from below. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RawEntry, rawTar } from "../../support/raw-tar.ts";
import { runUnshared, shellUnshared } from "../../support/unshared.ts";

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "kelp-merge-"));
});
afterAll(() => {
  shellUnshared(`rm -rf '${scratch}'`);
});

async function layer(
  name: string,
  entries: readonly RawEntry[],
): Promise<{ dir: string; implied: readonly string[] }> {
  const dir = join(scratch, name);
  mkdirSync(dir);
  const tar = rawTar(entries);
  writeFileSync(`${dir}.tar`, tar);
  const request = {
    source: { path: `${dir}.tar`, offset: 0, size: tar.length },
    compression: "none",
    dir,
    recording: `${dir}.rec`,
    blobOut: `${dir}.blob`,
    maxUnpacked: 1 << 20,
    name,
  } as const;
  const [result] = await runUnshared("unpack-layers", { lock: join(scratch, "lock"), layers: [request] });
  return { dir, implied: result?.implied ?? [] };
}

test("the copy obeys whiteouts, opaque directories, replacements and hard links", async () => {
  const low = await layer("low", [
    { name: "a/", type: "5", mode: 0o755 },
    { name: "a/gone", data: "1" },
    { name: "a/stays", data: "2" },
    { name: "b/", type: "5", mode: 0o755 },
    { name: "b/hidden", data: "3" },
    { name: "file", data: "was a file" },
    { name: "dir/", type: "5", mode: 0o755 },
    { name: "dir/x", data: "4" },
  ]);
  const high = await layer("high", [
    { name: "a/.wh.gone" },
    { name: "b/.wh..wh..opq" },
    { name: "b/new", data: "5" },
    { name: "file/", type: "5", mode: 0o750 },
    { name: "dir", data: "now a file" },
    { name: "link", type: "1", link: "dir" },
    { name: "sym", type: "2", link: "/a" },
  ]);
  const target = join(scratch, "copy");
  await runUnshared("copy-rootfs", { layers: [low.dir, high.dir], target });
  const listing = shellUnshared(`cd '${target}' && find . -mindepth 1 -printf '%P %y %m %n %l\\n' | sort`);
  expect(listing.split("\n").map((line) => line.trim())).toEqual([
    "a d 755 2",
    "a/stays f 644 1",
    "b d 755 2",
    "b/new f 644 1",
    "dir f 644 2",
    "file d 750 2",
    "link f 644 2",
    "sym l 777 1 /a",
    "",
  ]);
});

test("directories an archive left out look as in the layer below", async () => {
  const base = await layer("base", [
    { name: "./", type: "5", mode: 0o711, mtime: 4 },
    { name: "tmp/", type: "5", mode: 0o1777, mtime: 5 },
    { name: "tmp/deep/", type: "5", mode: 0o700, mtime: 6 },
  ]);
  const top = await layer("top", [
    { name: "tmp/deep/f", data: "x" },
    { name: "other/f", data: "x" },
  ]);
  expect(top.implied).toEqual(["", "tmp", "tmp/deep", "other"]);
  await runUnshared("adopt-parents", { layers: [{ ...top, lower: [base.dir] }] });
  const modes = shellUnshared(
    `cd '${top.dir}' && stat -c '%n %a %Y' . tmp tmp/deep && stat -c '%n %a' other`,
  );
  expect(modes).toBe(". 711 4\ntmp 1777 5\ntmp/deep 700 6\nother 755\n");
});

test("the copy obeys what fuse-overlayfs notes in a layer that a container or a build has written", async () => {
  shellUnshared(`mkdir -p '${scratch}'/under/d '${scratch}'/over/d && cd '${scratch}' &&
    touch under/gone under/stays under/d/hidden && touch over/.wh.gone over/d/.wh..wh..opq over/d/.wh..opq over/d/new over/.wh.`);
  const target = join(scratch, "fused");
  await runUnshared("copy-rootfs", { layers: [join(scratch, "under"), join(scratch, "over")], target });
  expect(shellUnshared(`cd '${target}' && find . -mindepth 1 -type f | sort`)).toBe(
    "./.wh.\n./d/new\n./stays\n",
  );
});
