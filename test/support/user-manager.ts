/**
 * A `systemd --user` of a test's own, with a session bus: in the delegated control group, with the sandbox's runtime
 * directory as its own. It runs in a user namespace that lets it see a booted systemd; the tests themselves do not.
 */
import { beforeAll } from "bun:test";
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Sandbox } from "./sandbox.ts";

const SYSTEMD = ["/lib/systemd/systemd", "/usr/lib/systemd/systemd"].find(existsSync);
const SCRIPT = `mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system &&
exec setpriv --ambient-caps -all --inh-caps -all -- ${SYSTEMD} --user --log-target=console`;

/** Why there can be none here; undefined if there can. */
export function lacksUserManager(): string | undefined {
  if (SYSTEMD === undefined) return "systemd is not installed";
  if (!existsSync("/run/systemd")) return "there is no /run/systemd to put one's own over";
  if (Bun.which("dbus-daemon") === null) return "dbus-daemon is not installed";
  const tried = Bun.spawnSync(["unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "true"]);
  return tried.success ? undefined : "unshare cannot make a user namespace with capabilities";
}

export interface UserManagerHandle {
  /** Absolute path of the group that holds its units. */
  readonly group: string;
}

/** Starts it before the file's tests and ends it after them; `bus` false: without a session bus. */
export function useUserManager(box: Sandbox, { bus = true } = {}): UserManagerHandle {
  const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? "/";
  const group = join("/sys/fs/cgroup", dirname(own), `systemd-${process.pid}`);
  const begin = async (command: string, args: readonly string[], sign: string) => {
    const child = spawn(command, args, { env: { ...box.env }, stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    box.ends.unshift(() => {
      child.kill("SIGTERM");
      return ended;
    });
    for (let tries = 0; !existsSync(sign); tries++) {
      if (tries === 200 || child.exitCode !== null) throw new Error(`${command} does not come up`);
      await Bun.sleep(50);
    }
  };
  beforeAll(async () => {
    const socket = join(box.runtime, "bus");
    box.ends.push(() => cleanUp(box, group));
    if (bus) await begin("dbus-daemon", ["--session", "--nofork", `--address=unix:path=${socket}`], socket);
    mkdirSync(group);
    const inside = `echo $$ > ${group}/cgroup.procs; exec unshare --user --map-current-user --keep-caps --mount sh -c '${SCRIPT}'`;
    await begin("sh", ["-c", inside], join(box.runtime, "systemd", "private"));
  }, 30_000);
  return { group };
}

function cleanUp(box: Sandbox, group: string): void {
  // systemd keeps a directory there that nobody may enter, to hide others with.
  const hidden = join(box.runtime, "systemd", "inaccessible", "dir");
  if (existsSync(hidden)) chmodSync(hidden, 0o700);
  // What its units have put there is theirs; what kelp leaves is for the test to find.
  for (const name of readdirSync(box.runtime))
    if (name !== "kelp") rmSync(join(box.runtime, name), { recursive: true, force: true });
  if (!existsSync(group)) return;
  writeFileSync(join(group, "cgroup.kill"), "1");
  removeGroup(group);
}

/** Whatever systemd has left of its tree. */
function removeGroup(group: string): void {
  const found = Bun.spawnSync(["find", group, "-depth", "-type", "d"]).stdout.toString();
  for (const path of found.split("\n").filter(Boolean)) {
    for (let tries = 0; tries < 50 && existsSync(path); tries++) {
      try {
        rmdirSync(path);
      } catch {
        Bun.sleepSync(20);
      }
    }
  }
}
