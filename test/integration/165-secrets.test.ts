import { beforeAll, describe, expect } from "bun:test";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("165-secrets");
const { test } = requires("busybox", "overlay", "subuid");
const VALUE = "c0ffee-and-other-things";

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
  writeFileSync(join(box.directory, "value"), VALUE);
  await box.ok(["secret", "create", "s165", join(box.directory, "value")]);
  writeFileSync(join(box.directory, "value"), "");
});

/** Files beneath a directory that hold the secret in the clear; what belongs to other users is passed over. */
function holders(directory: string): string[] {
  const { stdout } = Bun.spawnSync(["grep", "-rlF", VALUE, directory], { stderr: "ignore" });
  return stdout.toString().split("\n").filter(Boolean);
}

describe("a secret", () => {
  test("is a file with the owner and mode asked for", async () => {
    const flags = ["--secret", "s165", "--secret", "s165,target=/own,uid=33,gid=44,mode=0400"];
    const script = "cat /run/secrets/s165; echo; stat -c '%u:%g %a' /run/secrets/s165 /own";
    expect(await box.ok(["run", "--rm", "--network", "none", ...flags, BUSYBOX, "sh", "-c", script])).toBe(
      `${VALUE}\n0:0 444\n33:44 400`,
    );
  });

  test("is nowhere on the disk in the clear, in no inspection, and in no memory once the container has ended", async () => {
    const flags = ["--secret", "s165,type=env,target=TOKEN", "--secret", "s165"];
    await box.ok([
      "run",
      "-d",
      "--name",
      "c165",
      "--network",
      "none",
      ...flags,
      BUSYBOX,
      "sh",
      "-c",
      "env | grep -c ^TOKEN= && sleep 60",
    ]);
    expect(await box.ok(["inspect", "-f", "{{.State.Status}}", "c165"])).toBe("running");
    expect(await box.ok(["inspect", "c165"])).not.toContain(VALUE);
    expect(holders(box.directory)).toEqual([]);
    await box.ok(["stop", "-t", "0", "c165"]);
    expect([...holders(box.directory), ...holders(box.runtime)]).toEqual([]);
    await box.ok(["rm", "c165"]);
  });

  test("is in nothing that is made of the container or told of it", async () => {
    const flags = ["--secret", "s165,type=env,target=TOKEN", "--secret", "s165,target=/etc/token"];
    await box.ok(["run", "-d", "--name", "m165", "--network", "none", ...flags, BUSYBOX, "sleep", "60"]);
    expect(await box.ok(["exec", "m165", "sh", "-c", 'cat /etc/token; echo "$TOKEN"'])).toContain(VALUE);
    await box.ok(["commit", "-q", "m165", "made165"]);
    await box.ok(["container", "clone", "m165", "k165"]);
    await box.ok(["save", "-q", "-o", join(box.directory, "made.tar"), "made165"]);
    await box.ok(["export", "-o", join(box.directory, "files.tar"), "m165"]);
    const told = [
      ["image", "inspect", "made165"],
      ["history", "--no-trunc", "made165"],
      ["inspect", "m165", "k165"],
      ["diff", "m165"],
      ["logs", "m165"],
      ["top", "m165", "args"],
      ["explain", "m165"],
      ["events", "--stream=false", "--format", "json"],
      ["container", "spec", "m165"],
      ["run", "--rm", "--network", "none", "made165", "sh", "-c", "env; cat /etc/token"],
    ];
    for (const words of told) {
      const { stdout, stderr } = await box.kelp(words);
      expect({ words, holds: (stdout + stderr).includes(VALUE) }).toEqual({ words, holds: false });
    }
    // The archives are plain: what is in them would be found. A running container's memory is not on the disk.
    expect(holders(box.directory)).toEqual([]);
    await box.ok(["rm", "-f", "-t", "0", "m165", "k165"]);
    await box.ok(["rmi", "made165"]);
  });

  test("is encrypted with a key that only its user may read", async () => {
    const key = join(box.directory, "config", "kelp", "secrets.key");
    expect(statSync(key).mode & 0o777).toBe(0o600);
  });

  test("that is not there is an error before anything is made", async () => {
    expect(await box.kelp(["create", "--name", "n165", "--secret", "nope", BUSYBOX, "true"])).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("no such secret"),
    });
    expect(await box.kelp(["container", "exists", "n165"])).toMatchObject({ code: 1 });
  });
});
