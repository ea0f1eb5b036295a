import { beforeAll, describe, expect } from "bun:test";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("196-explain");
const needs = ["busybox", "overlay", "subuid"] as const;
const { test } = requires(...needs);

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

describe("run --explain", () => {
  test("says what would be done, and does nothing", async () => {
    const flags = [
      "--name",
      "c196",
      "-v",
      "v196:/data:ro",
      "-p",
      "8196:80",
      "--user",
      "7",
      "--cap-drop",
      "all",
    ];
    const text = await box.ok(["run", "--explain", ...flags, BUSYBOX, "sh", "-c", "true"]);
    expect(text).toContain("sh -c true");
    expect(text).toContain("the command runs as user 7");
    expect(text).toContain("/data is volume v196 (read-only");
    expect(text).toContain("port 8196 on every address of this machine leads to its port 80 (tcp)");
    expect(text).toContain("the command has none");
    expect(await box.ok(["ps", "-aq"])).toBe("");
    expect(await box.ok(["volume", "ls", "-q"])).toBe("");
  });

  test("is right about the user on this machine", async () => {
    const text = await box.ok(["run", "--explain", "--userns", "keep-id", BUSYBOX]);
    expect(text).toContain(`so the command is user ${process.getuid?.()} on this machine`);
  });

  test("names a limit that cannot be applied, with its reason", async () => {
    const { code, stdout } = await box.kelp(["run", "--explain", "--memory", "100m", BUSYBOX]);
    const made = await box.kelp(["run", "--rm", "--network", "none", "--memory", "100m", BUSYBOX, "true"]);
    expect(code).toBe(0);
    expect(stdout.includes("Cannot be had here\n  cannot apply --memory")).toBe(made.code !== 0);
  });

  test("shows no secret, and nothing that a terminal would obey", async () => {
    writeFileSync(join(box.directory, "value"), "hidden196");
    await box.ok(["secret", "create", "s196", join(box.directory, "value")]);
    const flags = ["--secret", "s196,type=env,target=T", "-e", "A=\u001b[31m", "--hostname", "h196"];
    const text = await box.ok(["run", "--explain", ...flags, BUSYBOX, "echo", "\u001b]0;x\u0007"]);
    expect(text).toContain("secrets: s196");
    expect(text).not.toContain("hidden196");
    expect(text).not.toContain("\u001b");
  });
});

describe("explain", () => {
  test("takes containers and images", async () => {
    await box.ok(["create", "--name", "e196", "--read-only", BUSYBOX, "true"]);
    const text = await box.ok(["explain", "e196", BUSYBOX]);
    expect(text).toContain("e196:\nWhat runs\n  true\n");
    expect(text).toContain("/ is the image, read-only");
    expect(text).toContain(`${BUSYBOX}:\nWhat runs`);
    await box.ok(["rm", "e196"]);
  });

  test("does not know what is not there", async () => {
    const { code, stdout } = await box.kelp(["explain", "nosuch196"]);
    expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
  });
});

describe.each(["crun", "runc"] as const)("container spec, run by %s itself", (runtime) => {
  requires(...needs, runtime, "cgroup2").test("makes the container that it describes", async () => {
    const bundle = join(box.directory, `bundle-${runtime}`);
    mkdirSync(join(bundle, "rootfs"), { recursive: true });
    const script = "id -u; grep Seccomp: /proc/self/status; touch /x 2>/dev/null || echo read-only";
    await box.ok(["create", "--name", "b196", "--user", "9", "--read-only", BUSYBOX, "sh", "-c", script]);
    writeFileSync(join(bundle, "config.json"), await box.ok(["container", "spec", "b196"]));
    await box.ok(["export", "-o", join(bundle, "root.tar"), "b196"]);
    const unpack = ["unshare", "tar", "-xf", join(bundle, "root.tar"), "-C", join(bundle, "rootfs")];
    await box.ok(unpack);
    const own = runtime === "crun" ? ["--cgroup-manager=disabled"] : [];
    const words = [
      runtime,
      ...own,
      "--root",
      join(box.directory, "state"),
      "run",
      "--bundle",
      bundle,
      "r196",
    ];
    expect(await box.ok(["unshare", ...words])).toBe("9\nSeccomp:\t2\nread-only");
    await box.ok(["unshare", "rm", "-rf", bundle]);
    // Each unshare removes the plans of those before it: the last one's stays.
    const plans = readdirSync(join(box.runtime, "kelp")).filter((name) => name.startsWith("unshare-"));
    for (const name of plans) rmSync(join(box.runtime, "kelp", name));
    await box.ok(["rm", "b196"]);
  });
});
