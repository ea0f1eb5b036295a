import { beforeAll, describe, expect } from "bun:test";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("197-clone");
const { test } = requires("busybox", "overlay", "subuid");
const quiet = ["--network", "none"];

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

describe("container clone", () => {
  test("copies the configuration, and not the changes, unnamed volumes or files of the original", async () => {
    const flags = [
      "--user",
      "7",
      "-e",
      "A=b",
      "-v",
      "n197:/n",
      "-v",
      "/u",
      "--label",
      "l=1",
      "--umask",
      "0077",
    ];
    await box.ok([
      "run",
      "--name",
      "a197",
      ...flags,
      ...quiet,
      BUSYBOX,
      "sh",
      "-c",
      "id -u; echo $A; umask; ls /tmp",
    ]);
    const id = await box.ok(["container", "clone", "a197"]);
    expect(
      await box.ok(["inspect", id, "--format", "{{.Name}} {{.State.Status}} {{.Config.Labels.l}}"]),
    ).toBe("a197-clone created 1");
    const volumes = async (name: string) =>
      (
        await box.ok(["inspect", name, "--format", "{{range .Mounts}}{{.Destination}}={{.Name}} {{end}}"])
      ).split(" ");
    const [before, after] = [await volumes("a197"), await volumes(id)];
    expect(after[0]).toBe(before[0]!);
    expect(after[1]).toMatch(/^\/u=[0-9a-f]{64}$/);
    expect(after[1]).not.toBe(before[1]);
    expect(await box.ok(["start", "--attach", id])).toBe("7\nb\n0077");
    expect(await box.ok(["logs", id])).toBe("7\nb\n0077");
    await box.ok(["rm", "-v", "a197", id]);
    await box.ok(["volume", "rm", "n197"]);
  });

  test("takes a name and an image, starts the copy and removes the original", async () => {
    await box.ok(["tag", BUSYBOX, "other197"]);
    await box.ok(["create", "--name", "b197", ...quiet, BUSYBOX, "sleep", "60"]);
    await box.ok(["container", "clone", "--destroy", "--run", "b197", "c197", "other197"]);
    expect((await box.kelp(["container", "exists", "b197"])).code).toBe(1);
    expect(await box.ok(["inspect", "c197", "--format", "{{.State.Status}} {{.ImageName}}"])).toBe(
      "running localhost/other197:latest",
    );
    const { code, stderr } = await box.kelp(["container", "clone", "--destroy", "c197"]);
    expect(code).toBe(125);
    expect(stderr).toContain("it is running");
    await box.ok(["rm", "-f", "-t", "0", "c197"]);
    await box.ok(["rmi", "other197"]);
  });
});

describe("health checks", () => {
  test("inspect's templates print durations in words, and JSON counts nanoseconds", async () => {
    const flags = ["--health-cmd", "true", "--health-interval", "27s"];
    await box.ok(["create", "--name", "h197", ...flags, BUSYBOX, "true"]);
    expect(
      await box.ok([
        "inspect",
        "h197",
        "--format",
        "{{.Config.Healthcheck.Interval}} {{.Config.StartupHealthCheck}}",
      ]),
    ).toBe("27s <nil>");
    expect(await box.ok(["inspect", "h197", "--format", "{{json .Config.Healthcheck}}"])).toContain(
      '"Interval":27000000000',
    );
    const [{ Config }] = JSON.parse(await box.ok(["inspect", "h197"]));
    expect(Config.Healthcheck.Interval).toBe(27_000_000_000);
    expect("StartupHealthCheck" in Config).toBe(false);
    await box.ok(["rm", "h197"]);
  });

  test("update: settings of a check that there is not are refused", async () => {
    await box.ok(["create", "--name", "u197", BUSYBOX, "true"]);
    for (const flag of [
      "--health-interval=10s",
      "--health-max-log-count=5",
      "--health-startup-interval=10s",
    ]) {
      const { code, stderr } = await box.kelp(["update", flag, "u197"]);
      expect(code).toBe(125);
      expect(stderr).toContain("healthcheck command is not set");
    }
    await box.ok(["rm", "u197"]);
  });
});
