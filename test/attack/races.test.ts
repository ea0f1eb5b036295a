/** Attacks that need the right moment, by the rows S2, E1, E4 and S6: a program inside tries for as long as kelp works. */
import { afterEach, beforeAll, describe, expect } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Canary,
  HOSTILE,
  KELP,
  makeCanary,
  requires,
  useSandbox,
  writeHostileArchive,
} from "../support/index.ts";

const box = useSandbox("attack-races");
const { test } = requires("busybox", "overlay", "subuid", "cc");
let canary: Canary;

beforeAll(async () => {
  const script = { name: "bin/self", content: "#!/proc/self/exe\n", mode: 0o755 };
  await box.ok(["load", "-i", await writeHostileArchive(box.directory, [script])]);
  canary = makeCanary(box.directory);
});

afterEach(() => canary.expectIntact());

const start = (name: string, flags: readonly string[], ...command: string[]) =>
  box.ok(["run", "-d", "--name", name, "--network", "none", ...flags, HOSTILE, ...command]);

/** What stands in the way of an attacker: kelp's own programs. */
function programs(): Record<string, string> {
  const cache = box.env.XDG_CACHE_HOME!;
  const names = readdirSync(cache, { recursive: true, encoding: "utf8" }).filter((name) =>
    /holdfast-[^/]*$/.test(name),
  );
  const files = [KELP, ...names.map((name) => join(cache, name))];
  return Object.fromEntries(
    files.map((file) => [file, createHash("sha256").update(readFileSync(file)).digest("hex")]),
  );
}

/** Lets a hostile program run against `rounds` execs, four at a time; gives what it said. */
async function duringExecs(name: string, rounds: number): Promise<string> {
  const worker = async (): Promise<void> => {
    for (let round = 0; round < rounds / 4; round++) await box.ok(["exec", name, "true"]);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  const output = await box.ok(["logs", name]);
  await box.ok(["rm", "-f", "-t", "0", name]);
  return output;
}

describe("S2, E4: the process that enters (CVE-2019-5736, CVE-2016-8649)", () => {
  const attack = `hostile overwrite & exec hostile sample "$0"`;
  const attackers = (name: string, flags: readonly string[]) =>
    start(name, flags, "sh", "-c", attack, `${canary.directory}/secret`);

  test("its program cannot be written to and none of its links leads out, in 500 execs", async () => {
    const before = programs();
    expect(Object.keys(before).length).toBeGreaterThan(1);
    await attackers("s2", []);
    expect(await duringExecs("s2", 500)).not.toMatch(/REMOUNTED|OPENED|LEAK/);
    expect(programs()).toEqual(before);
  }, 120_000);

  for (const flags of [["--cap-add", "SYS_PTRACE"], ["--privileged"]])
    test(`nor by who may look into it (${flags.join(" ")})`, async () => {
      const before = programs();
      await attackers("s2", flags);
      const output = await duringExecs("s2", 160);
      // It was seen with the descriptors it has, or this proves nothing.
      expect(output).toMatch(/SEEN \d{3}/);
      expect(output).not.toMatch(/REMOUNTED|OPENED|LEAK/);
      expect(programs()).toEqual(before);
    }, 120_000);

  test("what the program calls a leak is one: a directory of the host that the user hands in", async () => {
    const script = `exec 5<${box.directory}; exec "$0" "$@"`;
    const run = ["run", "--rm", "--network", "none", "--preserve-fd", "5", HOSTILE, "sh", "-c"];
    const secret = `${canary.directory.slice(box.directory.length)}/secret`;
    const inside = `sleep 60 & hostile sample ${secret} & sleep 1; kill $!`;
    const { stdout } = Bun.spawnSync(["sh", "-c", script, KELP, ...run, inside], { env: box.env });
    expect(stdout.toString()).toContain("LEAK");
  });

  test("a script that asks to be run by /proc/self/exe gets a read-only program that does nothing", async () => {
    const before = programs();
    await attackers("s2", ["--cap-add", "SYS_PTRACE"]);
    for (let round = 0; round < 10; round++)
      expect((await box.kelp(["exec", "s2", "self"])).code).not.toBe(0);
    expect((await box.kelp(["run", "--rm", "--network", "none", HOSTILE, "self"])).code).not.toBe(0);
    expect(await duringExecs("s2", 4)).not.toMatch(/REMOUNTED|OPENED|LEAK/);
    expect(programs()).toEqual(before);
  });
});

describe("a container whose process namespace another one joins", () => {
  const joining = ["run", "--rm", "--network", "none", "--pid", "container:peer"];
  const peer = (...flags: string[]) =>
    start("peer", flags, "hostile", "sample", `${canary.directory}/secret`);
  const said = async () => {
    const output = await box.ok(["logs", "peer"]);
    await box.ok(["rm", "-f", "-t", "0", "peer"]);
    return output;
  };

  test("finds no way out through its start, in 40 starts", async () => {
    await peer();
    for (let round = 0; round < 40; round++) await box.ok([...joining, HOSTILE, "true"]);
    expect(await said()).not.toContain("LEAK");
  }, 120_000);

  for (const flags of [["--cap-add", "SYS_PTRACE"], ["--privileged"]])
    test(`is refused if it could take that start over (${flags.join(" ")})`, async () => {
      await peer(...flags);
      const { code, stdout, stderr } = await box.kelp([...joining, HOSTILE, "true"]);
      expect({ code, stdout }).toEqual({ code: 125, stdout: "" });
      expect(stderr).toContain("it has CAP_SYS_PTRACE, with which it could take over this container's start");
      // Whoever gives the other one the same has been told: this is what it means.
      for (let round = 0; round < 20; round++)
        await box.kelp([...joining, "--cap-add", "SYS_PTRACE", HOSTILE, "true"]);
      expect((await said()).includes("LEAK")).toBe(true);
    }, 120_000);

  test("with ids of its own is joined: its privileges end at its own user namespace", async () => {
    await peer("--cap-add", "SYS_PTRACE", "--userns", "auto:size=2000");
    for (let round = 0; round < 20; round++) await box.ok([...joining, HOSTILE, "true"]);
    expect(await said()).not.toContain("LEAK");
  }, 120_000);
});

describe("S6: a mount's place that is swapped meanwhile (CVE-2021-30465)", () => {
  /** As many as the catalogue wants, or as a minute holds. */
  const ROUNDS = 2000;
  const TIME_MS = 60_000;

  test("nothing is mounted, made or read outside, in 2,000 starts or a minute of them", async () => {
    const prepare = `mkdir -p /v/a/b /v/a/c; ln -s ${canary.directory} /v/l; exec hostile swap /v/a /v/l`;
    await start("s6", ["-v", "shared:/v"], "sh", "-c", prepare);
    const mounts = readFileSync("/proc/self/mountinfo", "utf8");
    const outcomes = new Set<string>();
    const places = ["-v", "shared:/v", "-v", "inner:/v/a/b", "--tmpfs", "/v/a/new"];
    const look = "cat /v/a/secret /v/a/b/secret 2>/dev/null; grep -c ' /v/[al]/b ' /proc/self/mountinfo";
    const command = ["run", "--rm", "--network", "none", ...places, HOSTILE, "sh", "-c", look];
    const end = Date.now() + TIME_MS;
    let rounds = 0;
    const worker = async (): Promise<void> => {
      while (rounds++ < ROUNDS && Date.now() < end) {
        const { code, stdout } = await box.kelp(command);
        expect(stdout).not.toContain(canary.token);
        outcomes.add(code > 1 ? "refused" : stdout.trim());
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    canary.expectIntact();
    // The place was found in both of its states, or this proves nothing.
    expect(outcomes.size).toBeGreaterThan(1);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(mounts);
    await box.ok(["rm", "-f", "-t", "0", "s6"]);
  }, 180_000);
});

describe("E1: copies while what is copied is swapped (CVE-2018-15664)", () => {
  test("nothing of the host is read or written, in 500 copies", async () => {
    const prepare = `mkdir -p /r/d; echo inside >/r/d/f; ln -s ${canary.directory} /r/l; exec hostile swap /r/d /r/l`;
    await start("e1", [], "sh", "-c", prepare);
    const source = join(box.directory, "source");
    writeFileSync(source, "from the host\n");
    const mounts = readFileSync("/proc/self/mountinfo", "utf8");
    const outcomes = new Set<number>();
    const worker = async (): Promise<void> => {
      for (let round = 0; round < 125; round++) {
        outcomes.add((await box.kelp(["cp", source, "e1:/r/d/f"])).code);
        const out = await box.kelp(["cp", round % 2 === 0 ? "e1:/r/d/f" : "e1:/r/d/secret", "-"]);
        expect(out.stdout).not.toContain(canary.token);
        outcomes.add(out.code);
      }
    };
    await Promise.all([worker(), worker()]);
    // Both states were met, or this proves nothing.
    expect([...outcomes].sort()).toEqual([0, 125]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(mounts);
    await box.ok(["rm", "-f", "-t", "0", "e1"]);
  }, 180_000);
});
