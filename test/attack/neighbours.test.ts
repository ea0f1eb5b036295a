/** Attacks by other users of the machine and by sibling containers, by the rows C5, D1, D3 and S2's signals. */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  HOSTILE,
  hostileProgram,
  requires,
  run as runProgram,
  useSandbox,
  writeHostileArchive,
} from "../support/index.ts";

const box = useSandbox("attack-neighbours");
const { test } = requires("busybox", "overlay", "subuid", "cc", "unprivileged");
/** Where everybody may look: what keeps others out is kelp's doing, not that of a directory above. */
let open = "";

beforeAll(async () => {
  await box.ok(["load", "-i", await writeHostileArchive(box.directory)]);
  open = mkdtempSync("/tmp/kelp-open-");
  chmodSync(open, 0o755);
  copyFileSync(hostileProgram(), join(open, "hostile"));
  chmodSync(join(open, "hostile"), 0o755);
});

afterAll(async () => {
  await runProgram("unshare", ["--user", "--map-root-user", "--map-auto", "rm", "-rf", open]);
  rmSync(open, { recursive: true, force: true });
});

/** As another user of the host: the first of our subordinate ids is nobody's but a different one than ours. */
const asOther = (...command: string[]) =>
  runProgram("unshare", [
    ...["--user", "--map-root-user", "--map-auto", "setpriv", "--reuid=1", "--regid=1", "--clear-groups"],
    ...command,
  ]);

const start = (name: string, flags: readonly string[], ...command: string[]) =>
  box.ok(["run", "-d", "--name", name, "--network", "none", ...flags, HOSTILE, ...command]);

describe("C5, D1: another user of the machine", () => {
  test("gets into no store, whatever the umask it was made under and wherever it is", async () => {
    writeFileSync(join(open, "readable"), "everybody\n", { mode: 0o644 });
    expect((await asOther("cat", join(open, "readable"))).stdout).toBe("everybody\n");
    for (const umask of ["000", "022", "077"]) {
      const [root, runroot] = [join(open, `data-${umask}`), join(open, `run-${umask}`)];
      const kelp = ["kelp", "--root", root, "--runroot", runroot];
      const commands = [
        ["load", "-i", await writeHostileArchive(box.directory)],
        ["run", "-d", "--network", "none", "-v", "v:/v", HOSTILE, "sleep", "60"],
      ];
      const { KELP } = await import("../support/index.ts");
      for (const command of commands) {
        const script = `umask ${umask}; exec "$0" "$@"`;
        const made = Bun.spawnSync(["sh", "-c", script, KELP, ...kelp.slice(1), ...command], {
          env: box.env,
        });
        expect(made.stderr.toString()).toBe("");
      }
      for (const place of [root, runroot]) {
        const { code, stdout } = await asOther("ls", place);
        expect({ umask, place, in: code === 0, stdout }).toEqual({ umask, place, in: false, stdout: "" });
      }
      expect(loose(runroot)).toEqual([]);
      await box.ok([...kelp.slice(1), "rm", "-af", "-t", "0"]);
    }
  }, 60_000);

  test("cannot drive a monitor, even where every directory on the way is open", async () => {
    await start("d3", [], "sleep", "60");
    const socket = join(box.runtime, "kelp", "c", await box.ok(["inspect", "-f", "{{.Id}}", "d3"]), "attach");
    expect(lstatSync(socket).mode & 0o777).toBe(0o600);
    // A path of at most 107 bytes, and readable by all of it.
    const link = join(open, "s");
    const mounted = `mount --bind ${join(socket, "..")} ${open}/place && exec setpriv --reuid=1 --regid=1 --clear-groups ${open}/hostile poke ${open}/place/attach`;
    Bun.spawnSync(["mkdir", join(open, "place")]);
    const directory = join(socket, "..");
    chmodSync(directory, 0o755);
    chmodSync(socket, 0o777);
    const poked = await runProgram("unshare", [
      "--user",
      "--map-root-user",
      "--map-auto",
      "--mount",
      "sh",
      "-c",
      mounted,
    ]);
    expect({ link, ...poked }).toMatchObject({ code: 0, stdout: "dropped\n" });
    expect(await box.ok(["inspect", "-f", "{{.State.Status}}", "d3"])).toBe("running");
    // The owner is answered on the same way.
    const own = await runProgram("unshare", [
      ...["--user", "--map-root-user", "--mount", "sh", "-c"],
      mounted.replace("setpriv --reuid=1 --regid=1 --clear-groups ", ""),
    ]);
    expect(own.stdout).toBe("ANSWERED\n");
    await box.ok(["rm", "-f", "-t", "0", "d3"]);
  });
});

/** Directories that others may enter, and files that they may read, below a directory. */
function loose(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => {
      const st = lstatSync(path);
      return !st.isSymbolicLink() && (st.mode & 0o077) !== 0 && !(st.isFIFO() && (st.mode & 0o066) === 0);
    });
}

describe("D3: abstract sockets", () => {
  test("a container on the host's network finds none of kelp's", async () => {
    const abstract = (text: string) => new Set(text.match(/@\S+/g));
    const before = abstract(readFileSync("/proc/net/unix", "utf8"));
    await start("d3net", [], "sleep", "60");
    const seen = await box.ok(["run", "--rm", "--network", "host", HOSTILE, "cat", "/proc/net/unix"]);
    // The monitor's own is there, by its path and out of reach.
    expect(seen).toContain("attach");
    expect([...abstract(seen)].filter((name) => !before.has(name))).toEqual([]);
    await box.ok(["rm", "-f", "-t", "0", "d3net"]);
  });
});

describe("a sibling", () => {
  test("is not seen, traced or signalled, and neither is the monitor", async () => {
    await start("victim", [], "sleep", "60");
    const pids = await box.ok(["inspect", "-f", "{{.State.Pid}} {{.State.ConmonPid}}", "victim"]);
    const attack = `hostile seize 2 200; kill -9 -1; for p in ${pids}; do kill -STOP $p; done; ls /proc | grep -c '^[0-9]'`;
    for (const flags of [[], ["--cap-add", "SYS_PTRACE,KILL"]]) {
      const { stdout } = await box.kelp([
        "run",
        "--rm",
        "--network",
        "none",
        ...flags,
        HOSTILE,
        "sh",
        "-c",
        attack,
      ]);
      expect(Number(stdout.trim())).toBeLessThan(5);
    }
    for (const pid of pids.split(" "))
      expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/^State:\tS/m);
    await box.ok(["rm", "-f", "-t", "0", "victim"]);
  });

  test("with all processes of the container killed from inside, the monitor says how it ended", async () => {
    await start("suicide", [], "sh", "-c", "trap '' TERM INT; kill -9 -1; kill -9 1; exit 3");
    expect(await box.ok(["wait", "suicide"])).toBe("3");
    await box.ok(["rm", "suicide"]);
  });
});
