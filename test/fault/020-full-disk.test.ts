/** A disk without room: one line of error, nothing half-made, and everything works again with room. */
import { beforeAll, expect } from "bun:test";
import { mkdtempSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  BUSYBOX,
  busyboxArchive,
  dockerArchive,
  makeTar,
  requires,
  smallDisk,
  useSandbox,
} from "../support/index.ts";

const disk = smallDisk() ?? "";
const box = useSandbox("020-full-disk", { XDG_DATA_HOME: join(disk, "data"), TMPDIR: "/var/tmp" });
const { test } = requires("smalldisk", "overlay");

function freeKilobytes(): number {
  const { bavail, bsize } = statfsSync(disk);
  return Math.floor((bavail * bsize) / 1024);
}

beforeAll(async () => {
  if (disk !== "") await box.ok(["load", "-q", "-i", await busyboxArchive()]);
}, 60_000);

test("an image that does not fit is refused, and its bytes are given back", async () => {
  const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(65536)).buffer);
  const content = Buffer.concat(Array.from({ length: 900 }, () => noise));
  const archive = join(box.directory, "large.tar");
  await Bun.write(
    archive,
    await dockerArchive([await makeTar([{ name: "noise", content }])], { tags: ["large:1"] }),
  );
  const before = freeKilobytes();
  const { code, stdout, stderr } = await box.kelp(["load", "-q", "-i", archive]);
  expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
  expect(stderr).toMatch(/^Error: .*no space left on device/i);
  expect(await box.ok(["images", "--format", "{{.Repository}}"])).toBe("localhost/busybox");
  expect(before - freeKilobytes()).toBeLessThan(512);
});

test("a container that fills the disk sees it, and removing it gives the room back", async () => {
  const before = freeKilobytes();
  const { code, stderr } = await box.kelp([
    "run",
    "--name",
    "filler",
    BUSYBOX,
    "dd",
    "if=/dev/zero",
    "of=/fill",
    "bs=1M",
    "count=200",
  ]);
  expect(code).toBe(1);
  expect(stderr).toContain("No space left on device");
  expect(await box.ok(["ps", "-a", "--format", "{{.Names}}"])).toBe("filler");
  expect(await box.ok(["rm", "filler"])).toBe("filler");
  expect(before - freeKilobytes()).toBeLessThan(512);
  expect(await box.ok(["run", "--rm", BUSYBOX, "echo", "again"])).toBe("again");
});

test("a build that fills the disk fails with its step, tags nothing, gives the room back and works with room again", async () => {
  const directory = mkdtempSync(join(box.directory, "ctx-"));
  const before = freeKilobytes();
  const build = async (step: string) => {
    writeFileSync(join(directory, "Dockerfile"), `FROM ${BUSYBOX}\nRUN echo good > /good\n${step}\n`);
    return box.kelp(["build", "-t", "filled", directory]);
  };
  const run = await build("RUN dd if=/dev/zero of=/fill bs=1M count=200");
  expect(run.code).toBe(1);
  expect(run.stderr).toContain("No space left on device");
  writeFileSync(join(directory, "large"), Buffer.alloc(100 << 20, "x"));
  const copy = await build("COPY large /large");
  expect(copy.code).toBe(125);
  expect(copy.stderr).toMatch(/no space left on device/i);
  expect((await box.kelp(["image", "exists", "filled"])).code).toBe(1);
  expect(before - freeKilobytes()).toBeLessThan(1024);
  expect((await build("RUN cat /good")).code).toBe(0);
  await box.ok(["rmi", "-f", "filled"]);
  await box.ok(["builder", "prune", "-af"]);
});
