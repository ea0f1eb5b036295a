/** cp: what goes where, whose it is, and that no path of a container leads anywhere but into it. */
import { afterAll, beforeAll, expect } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  BUSYBOX,
  busyboxArchive,
  busyboxFiles,
  dockerArchive,
  makeCanary,
  makeTar,
  requires,
  useSandbox,
} from "../support/index.ts";

const box = useSandbox("065-cp");
const { test } = requires("overlay");
const host = join(box.directory, "files");
const canary = makeCanary();
const inside = (name: string, ...command: string[]) => box.ok(["exec", name, ...command]);
const refusal = async (...args: string[]) => {
  const { code, stderr } = await box.kelp(["cp", ...args]);
  return { code, stderr: stderr.replace(/\nHint.*\n?$/s, "\n") };
};

beforeAll(async () => {
  await box.ok(["load", "--input", await busyboxArchive()]);
  mkdirSync(join(host, "dir", "sub"), { recursive: true });
  writeFileSync(join(host, "f"), "from the host\n", { mode: 0o640 });
  writeFileSync(join(host, "dir", "sub", "g"), "deep\n");
  symlinkSync("sub/g", join(host, "dir", "link"));
  await box.ok(["run", "-d", "--name", "live", "--workdir", "/home", BUSYBOX, "sleep", "300"]);
}, 60_000);

afterAll(() => {
  canary.expectIntact();
  canary.remove();
});

test("a file goes into a directory under its name, or to a new name, or over a file", async () => {
  await box.ok(["cp", join(host, "f"), "live:/tmp"]);
  await box.ok(["cp", join(host, "f"), "live:new"]);
  await inside("live", "sh", "-c", "echo old >/tmp/over");
  await box.ok(["cp", join(host, "f"), "live:/tmp/over"]);
  expect(await inside("live", "cat", "/tmp/f", "/home/new", "/tmp/over")).toBe(
    "from the host\nfrom the host\nfrom the host",
  );
  expect(await inside("live", "stat", "-c", "%a %u:%g", "/tmp/f")).toBe("640 0:0");
});

test("a directory goes in whole, as its content with /., and comes out the same", async () => {
  await box.ok(["cp", join(host, "dir"), "live:/tmp"]);
  await box.ok(["cp", join(host, "dir/."), "live:/tmp/content"]);
  expect(await inside("live", "cat", "/tmp/dir/sub/g", "/tmp/content/link")).toBe("deep\ndeep");
  await box.ok(["cp", "live:/tmp/dir", join(host, "out")]);
  expect(readdirSync(join(host, "out")).sort()).toEqual(["link", "sub"]);
  expect(readFileSync(join(host, "out", "link"), "utf8")).toBe("deep\n");
  expect(statSync(join(host, "out", "sub")).uid).toBe(process.getuid!());
});

test("what does not fit together is refused in podman's words", async () => {
  expect(await refusal(join(host, "none"), "live:/")).toEqual({
    code: 125,
    stderr: `Error: "${join(host, "none")}" could not be found on the host\n`,
  });
  expect(await refusal(join(host, "f"), "live:/none/")).toEqual({
    code: 125,
    stderr: 'Error: "/none/" could not be found on container live: no such file or directory\n',
  });
  expect(await refusal(join(host, "dir"), "live:/etc/passwd")).toEqual({
    code: 125,
    stderr: "Error: destination must be a directory when copying a directory\n",
  });
  expect(await refusal("live:/tmp/*", host)).toEqual({
    code: 125,
    stderr: 'Error: "/tmp/*" could not be found on container live: no such file or directory\n',
  });
});

test("a directory is replaced by a file only with --overwrite", async () => {
  await inside("live", "mkdir", "-p", "/tmp/o/f/in");
  const { code, stderr } = await refusal(join(host, "f"), "live:/tmp/o");
  expect({ code, stderr }).toEqual({
    code: 125,
    stderr: 'Error: cannot copy: error creating "/tmp/o/f": it is a directory: file exists\n',
  });
  await box.ok(["cp", "--overwrite", join(host, "f"), "live:/tmp/o"]);
  expect(await inside("live", "cat", "/tmp/o/f")).toBe("from the host");
});

test("files get the container's user, or keep their numbers with -a=false", async () => {
  await box.ok(["run", "-d", "--name", "user", "--user", "1000:2000", BUSYBOX, "sleep", "300"]);
  const tar = await makeTar([{ name: "t", content: "t", uid: 42, gid: 43 }]);
  await box.ok(["cp", "-", "user:/tmp"], { stdin: tar });
  expect(await inside("user", "stat", "-c", "%u:%g", "/tmp/t")).toBe("1000:2000");
  await box.ok(["cp", "-a=false", "-", "user:/tmp"], { stdin: tar });
  expect(await inside("user", "stat", "-c", "%u:%g", "/tmp/t")).toBe("42:43");
});

test("archives go in compressed or not, and come out as tar", async () => {
  const tar = await makeTar([{ name: "z/a", content: "packed" }]);
  for (const [name, stdin] of [
    ["plain", tar],
    ["gzip", gzipSync(tar)],
    ["zstd", zstdCompressSync(tar)],
  ] as const) {
    await inside("live", "mkdir", `/tmp/${name}`);
    await box.ok(["cp", "-", `live:/tmp/${name}`], { stdin });
    expect(await inside("live", "cat", `/tmp/${name}/z/a`)).toBe("packed");
  }
  expect(await box.kelp(["cp", "-", "live:/tmp"], { stdin: "no archive" })).toEqual({
    code: 125,
    stdout: "",
    stderr: "Error: source must be a (compressed) tar archive when copying from stdin\n",
  });
  const { stdout } = await box.kelp(["cp", "live:/tmp/plain", "-"]);
  expect(stdout).toContain("plain/z/a");
});

test("a container that never ran takes files, in its volumes too, and nothing is mounted or made there for it", async () => {
  await box.ok(["volume", "create", "v1"]);
  await box.ok(["volume", "create", "v2"]);
  await box.ok([
    "create",
    "--name",
    "made",
    "-v",
    "v1:/data/vol",
    "-v",
    "v2:/data/vol/sub",
    BUSYBOX,
    "cat",
    "/data/vol/sub/f",
  ]);
  await box.ok(["cp", join(host, "f"), "made:/data/vol/sub"]);
  const place = async (name: string) => box.ok(["volume", "inspect", "--format", "{{.Mountpoint}}", name]);
  expect(readdirSync(await place("v1"))).toEqual([]);
  expect(readdirSync(await place("v2"))).toEqual(["f"]);
  expect(await box.ok(["start", "--attach", "made"])).toBe("from the host");
  expect((await box.kelp(["cp", "made:/data/vol/sub/f", "-"])).stdout).toContain("from the host");
});

test("a read-only volume of a stopped container stays as it is", async () => {
  await box.ok(["create", "--name", "readonly", "-v", "v1:/data:ro", BUSYBOX, "true"]);
  const { code, stderr } = await refusal(join(host, "f"), "readonly:/data");
  expect({ code, stderr }).toEqual({
    code: 125,
    stderr: 'Error: cannot write "/data/f": read-only file system\n',
  });
});

test("a file bound into a container is written into, not replaced on the host", async () => {
  const bound = join(host, "bound");
  writeFileSync(bound, "before\n");
  const { ino } = statSync(bound);
  await box.ok(["create", "--name", "binds", "-v", `${bound}:/etc/bound`, BUSYBOX, "true"]);
  await box.ok(["cp", join(host, "f"), "binds:/etc/bound"]);
  expect([statSync(bound).ino, readFileSync(bound, "utf8")]).toEqual([ino, "from the host\n"]);
});

test("links in a container lead to places inside: at the source, the target and each parent", async () => {
  const script = `mkdir -p /l; cd /l; ln -s ${canary.directory} dir; ln -s ${canary.directory}/secret file; ln -s ../../../../..${canary.directory} up`;
  await inside("live", "sh", "-c", script);
  for (const path of ["/l/dir", "/l/file", "/l/up", "/l/dir/secret", "/l/up/secret"]) {
    const { code, stderr } = await refusal(`live:${path}`, join(host, "stolen"));
    expect({ code, stderr }).toEqual({
      code: 125,
      stderr: `Error: "${path}" could not be found on container live: no such file or directory\n`,
    });
    expect(existsSync(join(host, "stolen"))).toBe(false);
  }
  for (const path of ["/l/dir/f", "/l/up/f"])
    expect((await refusal(join(host, "f"), `live:${path}`)).code).toBe(125);
  await inside("live", "mkdir", "-p", canary.directory);
  await box.ok(["cp", join(host, "f"), "live:/l/dir/f"]);
  expect(await inside("live", "cat", join(canary.directory, "f"))).toBe("from the host");
  canary.expectIntact();
});

test("a link that is swapped under cp never leads to the host (CVE-2018-15664)", async () => {
  const swapper = `mkdir -p /r/real; echo inside >/r/real/f; cd /r; while :; do ln -sfn ${canary.directory} d; rm -f d; mkdir d; echo inside >d/f; rm -rf d; done`;
  await box.ok(["run", "-d", "--name", "swap", BUSYBOX, "sh", "-c", swapper]);
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  const codes = new Set<number>();
  for (let round = 0; round < 40; round++) {
    codes.add((await box.kelp(["cp", join(host, "f"), "swap:/r/d/f"])).code);
    const out = await box.kelp(["cp", "swap:/r/d/f", "-"]);
    expect(out.stdout).not.toContain(canary.token);
    codes.add(out.code);
    rmSync(join(host, "race"), { recursive: true, force: true });
    await box.kelp(["cp", "swap:/r", join(host, "race")]);
    // A link may be copied as one; what it points to must not.
    const copied = lstatSync(join(host, "race", "d"), { throwIfNoEntry: false });
    if (copied?.isDirectory() === true) expect(readdirSync(join(host, "race", "d"))).not.toContain("secret");
  }
  // The swapper was seen in both states, or it proves nothing.
  expect([...codes].sort()).toEqual([0, 125]);
  expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(mounts);
  canary.expectIntact();
}, 60_000);

test("names of a container's files are taken literally", async () => {
  await inside("live", "sh", "-c", "mkdir /n; echo star >'/n/*'; echo question >'/n/?'; echo other >/n/x");
  await box.ok(["cp", "live:/n/*", join(host, "star")]);
  expect(readFileSync(join(host, "star"), "utf8")).toBe("star\n");
});

test("no program or library of a container runs outside of it (CVE-2019-14271)", async () => {
  const trap = `#!/bin/busybox sh\necho fired >>/trap\necho fired >>${canary.directory}/trap || true\n`;
  const names = ["gzip", "xz", "zstd", "tar", "git", "ps", "nsenter", "unpigz", "getent"];
  const files = busyboxFiles().filter(({ name }) => !names.some((other) => name === `bin/${other}`));
  const traps = names.map((name) => ({ name: `bin/${name}`, content: trap, mode: 0o755 }));
  const libraries = ["libnss_files.so.2", "libnss_dns.so.2"].map((name) => ({
    name: `lib/${name}`,
    content: trap,
    mode: 0o755,
  }));
  const layer = await makeTar([...files, { name: "lib" }, ...traps, ...libraries]);
  const archive = join(box.directory, "trap.tar");
  writeFileSync(archive, await dockerArchive([layer], { tags: ["localhost/trap:latest"] }));
  await box.ok(["load", "--input", archive]);
  await box.ok(["run", "-d", "--name", "trap", "localhost/trap", "/bin/busybox", "sleep", "300"]);
  const tar = await makeTar([{ name: "a", content: "a" }]);
  for (const stdin of [tar, gzipSync(tar), zstdCompressSync(tar)])
    await box.ok(["cp", "-", "trap:/tmp"], { stdin });
  await box.ok(["cp", join(host, "f"), "trap:/tmp"]);
  await box.ok(["cp", "trap:/etc", join(host, "etc")]);
  await box.ok(["export", "-o", join(host, "trap.tar"), "trap"]);
  await box.ok(["commit", "-q", "trap"]);
  const changes = await box.ok(["diff", "trap"]);
  await box.ok(["top", "trap"]);
  expect(changes).not.toContain("/trap");
  canary.expectIntact();
  // The trap works where it is meant to be run.
  await inside("trap", "/bin/gzip");
  expect(await inside("trap", "/bin/busybox", "cat", "/trap")).toBe("fired");
});
