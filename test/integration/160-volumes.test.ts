import { beforeAll, describe, expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("160-volumes");
const { test } = requires("busybox", "overlay", "subuid");

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

const run = (flags: string[], script: string) =>
  box.ok(["run", "--rm", "--network", "none", ...flags, BUSYBOX, "sh", "-c", script]);

describe("--volumes-from", () => {
  test("shares what a container has mounted, also while it does not run", async () => {
    writeFileSync(join(box.directory, "note"), "hello");
    await box.ok([
      "create",
      "--name",
      "s160",
      "-v",
      "v160:/data",
      "-v",
      `${box.directory}/note:/note`,
      BUSYBOX,
      "true",
    ]);
    await run(["--volumes-from", "s160"], "echo kept > /data/f");
    expect(await run(["--volumes-from", "s160:ro"], "cat /data/f /note")).toBe("kept\nhello");
    expect(await run(["--volumes-from", "s160:ro"], "touch /data/g 2>/dev/null || echo refused")).toBe(
      "refused",
    );
    await box.ok(["rm", "s160"]);
  });
});

describe(":U", () => {
  test("gives a volume and all in it to the container's user, and follows no link out of it", async () => {
    await run(["-v", "u160:/data"], "mkdir /data/d; touch /data/d/f; ln -s /etc /data/out");
    expect(
      await run(
        ["--user", "33:44", "-v", "u160:/data:U"],
        "stat -c %u:%g /data /data/d/f; touch /data/new; stat -c %u /etc",
      ),
    ).toBe("33:44\n33:44\n0");
  });
});

describe("--tmpfs", () => {
  test("begins with what the image has there, unless told not to", async () => {
    expect(await run(["--tmpfs", "/etc"], "ls /etc | grep -c passwd; stat -f -c %T /etc")).toMatch(
      /^1\ntmpfs$/,
    );
    expect(await run(["--tmpfs", "/etc:notmpcopyup"], "ls /etc | grep -c passwd || :")).toBe("0");
  });
});

describe("/etc/passwd", () => {
  test("has a line for a user the image does not know", async () => {
    expect(await run(["--user", "1234"], "tail -n 1 /etc/passwd; whoami")).toBe(
      "1234:*:1234:0:container user:/:/bin/sh\n1234",
    );
    expect(await run(["--user", "1234", "--passwd=false"], "grep -c 1234 /etc/passwd || :")).toBe("0");
  });
});

describe("volume prune", () => {
  test("takes named volumes with --all, or all=true of docker's API, and only those that are newer with since", async () => {
    const prune = (...filters: string[]) =>
      box.ok(["volume", "prune", "-f", ...filters.flatMap((filter) => ["--filter", filter])]);
    for (const name of ["old160", "mid160", "new160"]) await box.ok(["volume", "create", name]);
    expect(await prune()).toBe("");
    expect(await prune("all=false")).toBe("");
    expect(await prune("all=true", "since=mid160")).toBe("new160");
    expect(await box.ok(["volume", "ls", "-q", "--filter", "after=old160"])).toBe("mid160");
    expect(await prune("all=1", "name=^(old|mid)160$")).toBe("mid160\nold160");
    expect(await box.kelp(["volume", "prune", "-f", "--filter", "all=x"])).toMatchObject({
      code: 125,
      stdout: "",
      stderr: expect.stringContaining("invalid filter all=x: not true or false"),
    });
    expect(await box.kelp(["volume", "ls", "--filter", "since=none160"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no such volume"),
    });
  });
});

describe("a volume that nothing has been put into", () => {
  test("says so until something is", async () => {
    const state = () =>
      box.ok(["volume", "inspect", "--format", "{{.NeedsCopyUp}} {{.NeedsChown}}", "new160"]);
    await run(["-v", "new160:/nothing"], "true");
    expect(await state()).toBe("true true");
    await run(["-v", "new160:/etc"], "true");
    expect(await state()).toBe("false false");
    expect(await box.kelp(["volume", "prune"])).toEqual({
      code: 0,
      stdout: "",
      stderr: expect.stringContaining("\nNo dangling anonymous volumes found\n"),
    });
    await box.ok(["volume", "rm", "new160"]);
  });
});
