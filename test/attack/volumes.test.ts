/** Attacks through what is mounted and kept, by the rows S9, E5, E6, U5 and by set-id files on volumes. */
import { afterEach, beforeAll, describe, expect } from "bun:test";
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Canary,
  HOSTILE,
  makeCanary,
  makeTar,
  requires,
  useSandbox,
  writeHostileArchive,
} from "../support/index.ts";

const box = useSandbox("attack-volumes");
const { test } = requires("busybox", "overlay", "subuid", "cc");
let canary: Canary;

beforeAll(async () => {
  const files = [
    { name: "data" },
    { name: "data/image", content: "of the image\n" },
    { name: "bin/suid", content: "", mode: 0o755 },
  ];
  await box.ok(["load", "-i", await writeHostileArchive(box.directory, files)]);
  canary = makeCanary(box.directory);
});

afterEach(() => canary.expectIntact());

const run = (flags: readonly string[], ...command: string[]) =>
  box.kelp(["run", "--rm", "--network", "none", ...flags, HOSTILE, ...command], { timeout: 20_000 });
const data = async (): Promise<string> => (await box.ok(["info", "--format", "{{.Store.GraphRoot}}"])).trim();

describe("S9: kelp's own mount sources, swapped for links between create and start", () => {
  test("a volume that has become a link to the host is not mounted", async () => {
    await box.ok(["volume", "create", "swapped"]);
    const place = join(await data(), "volumes", "swapped", "_data");
    await box.ok([
      "create",
      "--name",
      "s9",
      "--network",
      "none",
      "-v",
      "swapped:/v",
      HOSTILE,
      "cat",
      "/v/secret",
    ]);
    Bun.spawnSync(["unshare", "--user", "--map-root-user", "--map-auto", "rmdir", place]);
    symlinkSync(canary.directory, place);
    const { code, stdout, stderr } = await box.kelp(["start", "-a", "s9"]);
    expect({ refused: code !== 0, leaked: (stdout + stderr).includes(canary.token) }).toEqual({
      refused: true,
      leaked: false,
    });
    rmSync(place);
    await box.ok(["rm", "-f", "s9"]);
    await box.kelp(["volume", "rm", "-f", "swapped"]);
  });

  test("a file of kelp's for the container that has become a link shows nothing of the host", async () => {
    for (const name of ["hosts", "hostname", "resolv.conf", "containerenv"]) {
      const look = "cat /etc/host* /etc/resolv.conf /run/.containerenv";
      const id = await box.ok(["create", "--network", "none", HOSTILE, "sh", "-c", look]);
      await box.ok(["start", "-a", id]);
      const place = join(await data(), "containers", id, name);
      rmSync(place, { force: true });
      symlinkSync(join(canary.directory, "secret"), place);
      const { stdout, stderr } = await box.kelp(["start", "-a", id]);
      expect({ name, leaked: (stdout + stderr).includes(canary.token) }).toEqual({ name, leaked: false });
      canary.expectIntact();
      await box.ok(["rm", "-f", id]);
    }
  });
});

describe("E5: the first copy into a volume", () => {
  test("overwrites nothing of a volume that is in use or read-only", async () => {
    await run(["-v", "kept:/k"], "sh", "-c", "echo mine >/k/image; echo more >/k/own");
    const before = await run(["-v", "kept:/k:ro"], "sh", "-c", "cat /k/*; stat -c '%n %a %u %Y' /k/*");
    for (const options of ["", ":ro", ":U,ro"])
      expect((await run(["-v", `kept:/data${options}`], "cat", "/data/image")).stdout).toBe("mine\n");
    expect(await run(["-v", "kept:/k:ro"], "sh", "-c", "cat /k/*; stat -c '%n %a %u %Y' /k/*")).toEqual(
      before,
    );
    // An empty one does get the image's files: what is compared above is not always so.
    expect((await run(["-v", "fresh:/data"], "cat", "/data/image")).stdout).toBe("of the image\n");
  });
});

describe("E6: a link where kelp expects its own file or a volume's content", () => {
  test("logs of a log that has become a link or a FIFO give nothing of the host and do not hang", async () => {
    await box.ok(["run", "--name", "e6", "--network", "none", HOSTILE, "echo", "line"]);
    const log = (await box.ok(["inspect", "-f", "{{.HostConfig.LogConfig.Path}}", "e6"])).trim();
    expect(readFileSync(log, "utf8")).toContain("line");
    rmSync(log);
    symlinkSync(join(canary.directory, "secret"), log);
    const link = await box.kelp(["logs", "e6"], { timeout: 5_000 });
    expect({ code: link.code === 137, leaked: (link.stdout + link.stderr).includes(canary.token) }).toEqual({
      code: false,
      leaked: false,
    });
    rmSync(log);
    Bun.spawnSync(["mkfifo", log]);
    expect((await box.kelp(["logs", "e6"], { timeout: 5_000 })).code).not.toBe(137);
    rmSync(log);
    await box.ok(["rm", "-f", "e6"]);
  });

  test("an exported volume has its links as links", async () => {
    const links = `ln -s ${canary.directory}/secret /v/file; ln -s ${canary.directory} /v/dir; ln -s /v /v/self`;
    await run(["-v", "linked:/v"], "sh", "-c", links);
    const out = join(box.directory, "linked.tar");
    await box.ok(["volume", "export", "-o", out, "linked"]);
    const text = readFileSync(out, "latin1");
    expect(text).toContain(`${canary.directory}/secret`);
    expect(text).not.toContain(canary.token);
  });
});

describe("U5: an archive imported over a volume that holds links (CVE-2025-11395)", () => {
  test("is unpacked inside the volume, or refused", async () => {
    await run(
      ["-v", "planted:/v"],
      "sh",
      "-c",
      `ln -s ${canary.directory} /v/a; ln -s ${canary.directory}/f /v/f`,
    );
    const tar = join(box.directory, "over.tar");
    writeFileSync(
      tar,
      await makeTar([
        { name: "a/x", content: "overwritten\n" },
        { name: "f", content: "overwritten\n" },
        { name: "b", content: "honest\n" },
      ]),
    );
    const { code } = await box.kelp(["volume", "import", "planted", tar]);
    canary.expectIntact();
    // What is honest does arrive, unless the whole archive was refused.
    const { stdout } = await run(["-v", "planted:/v"], "cat", "/v/b");
    expect(stdout).toBe(code === 0 ? "honest\n" : "");
    await box.ok(["volume", "create", "clean"]);
    await box.ok(["volume", "import", "clean", tar]);
    expect((await run(["-v", "clean:/v"], "cat", "/v/a/x")).stdout).toBe("overwritten\n");
  });
});

describe("set-id files", () => {
  test("on a volume or a bind mount give nobody another user", async () => {
    const shared = join(box.directory, "shared");
    Bun.spawnSync(["mkdir", "-m", "755", shared]);
    for (const volume of ["setid:/v", `${shared}:/v`]) {
      await run(["-v", volume], "sh", "-c", "cp /bin/hostile /v/suid; chmod 4755 /v/suid");
      const as = await run(["--user", "1000", "-v", volume], "/v/suid", "whoami");
      expect({ volume, stdout: as.stdout }).toEqual({ volume, stdout: "1000\n" });
    }
    // In the container's own file system it does work, as su and its like need it.
    const own = "cp /bin/hostile /tmp/suid; chmod 4755 /tmp/suid; exec sleep 60";
    await box.ok(["run", "-d", "--name", "setid", "--network", "none", HOSTILE, "sh", "-c", own]);
    while ((await box.kelp(["exec", "setid", "test", "-u", "/tmp/suid"])).code !== 0) await Bun.sleep(20);
    expect(await box.ok(["exec", "--user", "1000", "setid", "/tmp/suid", "whoami"])).toBe("0");
    await box.ok(["rm", "-f", "-t", "0", "setid"]);
  });
});
