import { beforeAll, describe, expect } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("170-userns");
const { test } = requires("subuid", "busybox", "overlay");
const UID = process.getuid?.() ?? 0;

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

const run = (userns: string, script: string, ...flags: string[]) =>
  box.ok(["run", "--rm", "--network", "none", ...flags, "--userns", userns, BUSYBOX, "sh", "-c", script]);

describe("--userns", () => {
  test("keep-id: the process is you, by your number, and the image's files are root's", async () => {
    const seen = await run("keep-id", "id -u; stat -c %u /bin/busybox /dev /dev/shm; stat -c %u /etc");
    expect(seen.split("\n")).toEqual([String(UID), "0", "0", "0", "0"]);
  });

  test("keep-id: -u with your number alone is your group, too", async () => {
    const gid = process.getgid!();
    expect(await run("keep-id", "id -u; id -g", "-u", String(UID))).toBe(`${UID}\n${gid}`);
    expect(await run("keep-id", "id -u; id -g", "-u", `${UID}:0`)).toBe(`${UID}\n0`);
  });

  test("keep-id: your files are yours inside, and nobody else's are", async () => {
    const seen = await run(
      "keep-id",
      "stat -c %u /h; touch /h/from-inside; touch /etc/x 2>&1",
      "-v",
      `${box.directory}:/h`,
    ).catch((error: Error) => error.message);
    expect(seen).toContain(String(UID));
    expect(seen).toContain("Permission denied");
    expect(readdirSync(box.directory)).toContain("from-inside");
  });

  test("keep-id:uid=,gid= takes other numbers, and root is still there for exec", async () => {
    await box.ok([
      "run",
      "-d",
      "--name",
      "k170",
      "--network",
      "none",
      "--userns",
      "keep-id:uid=200,gid=210",
      BUSYBOX,
      "sleep",
      "60",
    ]);
    expect(await box.ok(["exec", "k170", "sh", "-c", "id -u; id -g"])).toBe("200\n210");
    expect(await box.ok(["exec", "-u", "0", "k170", "sh", "-c", "touch /etc/x && stat -c %u /etc/x"])).toBe(
      "0",
    );
    await box.ok(["rm", "-f", "-t", "0", "k170"]);
  });

  test("nomap: your own id does not exist inside", async () => {
    const seen = await run("nomap", "stat -c %u /h; cat /h/secret 2>&1", "-v", `${box.directory}:/h`).catch(
      (error: Error) => error.message,
    );
    expect(seen).toContain("65534");
  });

  test("auto: containers that live at once share no id, and a removed one's ids are free again", async () => {
    const first = async (name: string) => {
      await box.ok([
        "run",
        "-d",
        "--name",
        name,
        "--network",
        "none",
        "--userns",
        "auto:size=500",
        BUSYBOX,
        "sleep",
        "60",
      ]);
      return Number((await box.ok(["exec", name, "cat", "/proc/self/uid_map"])).trim().split(/\s+/)[1]);
    };
    const [a, b] = [await first("a170"), await first("b170")];
    expect(Math.abs(a - b)).toBeGreaterThanOrEqual(500);
    await box.ok(["rm", "-f", "-t", "0", "a170"]);
    expect(await first("c170")).toBe(a);
    await box.ok(["rm", "-f", "-t", "0", "b170", "c170"]);
  });

  test("--uidmap: only ids of yours can be given", async () => {
    const map = ["--uidmap", "0:1:10", "--gidmap", "0:11:10"];
    const args = [
      "run",
      "--rm",
      "--network",
      "none",
      ...map,
      BUSYBOX,
      "cat",
      "/proc/self/uid_map",
      "/proc/self/gid_map",
    ];
    expect((await box.ok(args)).split(/\s+/).filter(Boolean)).toEqual(["0", "1", "10", "0", "11", "10"]);
    expect(await box.kelp(["run", "--rm", "--uidmap", "0:1:9999999", BUSYBOX, "true"])).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("are yours"),
    });
  });

  test("a range across the border between you and your subordinate ids is mapped in two", async () => {
    const args = [
      "run",
      "--rm",
      "--network",
      "none",
      "--uidmap",
      "0:0:10",
      BUSYBOX,
      "cat",
      "/proc/self/uid_map",
    ];
    expect((await box.ok(args)).split(/\s+/).filter(Boolean)).toEqual(["0", "0", "1", "1", "1", "9"]);
  });

  test("--userns auto: ids given by hand are left out of the range", async () => {
    const mode = ["--userns", "auto:size=4,uidmapping=2:0:1"];
    const map = await box.ok([
      "run",
      "--rm",
      "--network",
      "none",
      ...mode,
      BUSYBOX,
      "cat",
      "/proc/self/uid_map",
    ]);
    const lines = map.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
    expect(lines.map(([inside, , size]) => [inside, size])).toEqual([
      [0, 2],
      [2, 1],
      [3, 1],
    ]);
    expect(lines[1]?.[1]).toBe(0);
  });

  test("--userns container: and ns: enter the namespace of another container, ids and all", async () => {
    const quiet = ["--network", "none"];
    await box.ok(["run", "-d", "--name", "o170", "--userns", "keep-id", ...quiet, BUSYBOX, "sleep", "60"]);
    const look = ["sh", "-c", "readlink /proc/self/ns/user; cat /proc/self/uid_map; touch /x; stat -c %u /x"];
    const own = await box.ok(["exec", "-u", "0", "o170", ...look]);
    expect(await box.ok(["run", "--rm", "--userns", "container:o170", ...quiet, BUSYBOX, ...look])).toBe(own);
    const pid = await box.ok(["inspect", "o170", "--format", "{{.State.Pid}}"]);
    const path = `ns:/proc/${pid}/ns/user`;
    expect(await box.ok(["run", "--rm", "--userns", path, ...quiet, BUSYBOX, ...look])).toBe(own);
    await box.ok(["rm", "-f", "-t", "0", "o170"]);
    const { code, stderr } = await box.kelp(["run", "--rm", "--userns", path, ...quiet, BUSYBOX, "true"]);
    expect({ code, stderr }).toEqual({
      code: 125,
      stderr: `Error: cannot join user namespace /proc/${pid}/ns/user: no such file or directory\n`,
    });
  });

  test("what container commands read of a mapped image is its files, whichever way they look", async () => {
    const file = join(box.directory, "Dockerfile");
    writeFileSync(
      file,
      `FROM ${BUSYBOX}
RUN echo one > /a && ln /a /b && echo 'odd:x:77:88::/:/bin/sh' >> /etc/passwd && mkdir -p /d && echo old > /d/f
RUN echo two > /a && rm -r /d && mkdir /d && echo new > /d/g
`,
    );
    await box.ok(["build", "-q", "-t", "linked", "-f", file, box.directory]);
    const quiet = ["--network", "none", "--userns", "auto:size=3000"];
    const look = ["sh", "-c", "cat /a /b /d/*; id -u; stat -c '%u %s' /bin/busybox; md5sum </bin/busybox"];
    const plain = await box.ok(["run", "--rm", "-u", "odd", "--network", "none", "linked", ...look]);
    await box.ok(["create", "--name", "m170", ...quiet, "-u", "odd", "linked", ...look]);
    expect(await box.ok(["start", "-a", "m170"])).toBe(plain);
    expect(plain).toStartWith("two\none\nnew\n77\n0 ");
    expect(await box.ok(["diff", "m170"])).toBe("");
    await box.ok(["cp", "m170:/b", join(box.directory, "b")]);
    expect(readFileSync(join(box.directory, "b"), "utf8")).toBe("one\n");
    await box.ok(["commit", "-q", "m170", "again"]);
    const mount = ["--mount", "type=image,source=linked,target=/i"];
    const again = await box.ok([
      "run",
      "--rm",
      ...mount,
      ...quiet,
      "again",
      "cat",
      "/a",
      "/i/a",
      "/i/b",
      "/i/d/g",
    ]);
    expect(again).toBe("two\ntwo\none\nnew");
    const changed = ["sh", "-c", "echo x >> /a; chown 5 /b; cat /a /b; stat -c %u /b"];
    expect(await box.ok(["run", "--rm", ...quiet, "linked", ...changed])).toBe("two\nx\none\n5");
    await box.ok(["rm", "m170"]);
    await box.ok(["rmi", "again", "linked"]);
    await box.ok(["builder", "prune", "-af"]);
  });

  test("a new volume begins with the image's files, and they are the container's root's", async () => {
    for (const mode of ["nomap", "keep-id"]) {
      const script = "stat -c '%u %g' /etc/passwd /etc";
      expect(await run(mode, script, "-v", `up170-${mode}:/etc`)).toBe("0 0\n0 0");
      await box.ok(["volume", "rm", `up170-${mode}`]);
    }
  });

  const mapped = async () => {
    const root = await box.ok(["info", "--format", "{{.Store.GraphRoot}}"]);
    return readdirSync(join(root, "layers")).filter((name) => /^[mo]/.test(name));
  };
  const imagesSize = async () => {
    const rows = await box.ok(["system", "df", "--format", "{{.Type}} {{.RawSize}} {{.RawReclaimable}}"]);
    return rows.split("\n")[0]!.split(" ").slice(1).map(Number) as [number, number];
  };

  test("a mapping's layers are made once, counted with the images, and pruned when no container has them", async () => {
    await box.ok(["system", "prune", "-f"]);
    expect(await mapped()).toEqual([]);
    const [plain] = await imagesSize();
    await box.ok(["create", "--name", "p170", "--network", "none", "--userns", "nomap", BUSYBOX, "true"]);
    await run("keep-id:uid=300", "true");
    await box.ok(["start", "-a", "p170"]);
    expect(await mapped()).toHaveLength(2);
    const [both, reclaimable] = await imagesSize();
    expect(both).toBeGreaterThan(plain);
    expect(reclaimable).toBeGreaterThan(0);
    await box.ok(["system", "prune", "-f", "--filter", "label=none"]);
    expect(await mapped()).toHaveLength(1);
    expect((await imagesSize())[0]).toBeLessThan(both);
    await box.ok(["start", "-a", "p170"]);
    await box.ok(["rm", "p170"]);
  });

  requires("subuid", "busybox", "overlay", "overlay-data").test(
    "where the kernel finds content in another layer, a mapping takes names and owners and no content",
    async () => {
      await box.ok(["system", "prune", "-f"]);
      await run("keep-id:uid=301", "true");
      const [name] = await mapped();
      const root = await box.ok(["info", "--format", "{{.Store.GraphRoot}}"]);
      const { size, blocks } = statSync(join(root, "layers", name!, "bin", "busybox"));
      expect(size).toBeGreaterThan(1_000_000);
      expect(blocks * 512).toBeLessThan(16_384);
    },
  );

  test("layers of mappings go with their image", async () => {
    await run("keep-id:uid=302", "true");
    expect((await mapped()).length).toBeGreaterThan(0);
    await box.ok(["rmi", BUSYBOX]);
    expect(await mapped()).toEqual([]);
  });
});
