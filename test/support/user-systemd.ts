/**
 * A `systemd --user` of a test file's own, in its runtime directory and in a group of its own cgroup. Unlike that of
 * user-manager.ts it is in the user namespace of the tests: its services have all of a user's ids.
 */
import { beforeAll } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type KelpResult, run, type Sandbox } from "./sandbox.ts";

export const SYSTEMD = "/lib/systemd/systemd";
const START_MS = 20_000;

export interface UserSystemd {
  /** Runs `systemctl --user WORDS`. */
  systemctl(...words: readonly string[]): Promise<KelpResult>;
  /** One property of a unit. */
  property(unit: string, name: string): Promise<string>;
  /** Waits for a property to have a value. */
  settled(unit: string, name: string, value: string): Promise<void>;
  /** Writes a unit and has it read. */
  unit(name: string, text: string): Promise<void>;
  /** Where units are. */
  readonly units: string;
}

/** Starts it before the file's first test and ends it, with every unit, after the last. Call it after `useSandbox`. */
export function useSystemd(box: Sandbox, missing: string | undefined): UserSystemd {
  const units = join(box.env.XDG_CONFIG_HOME!, "systemd/user");
  const systemctl = (...words: readonly string[]) =>
    run("systemctl", ["--user", "--no-pager", ...words], { env: box.env, timeout: 60_000 });
  const property: UserSystemd["property"] = async (unit, name) =>
    (await systemctl("show", "--value", "--property", name, unit)).stdout.trim();
  let child: ReturnType<typeof Bun.spawn> | undefined;
  beforeAll(async () => {
    if (missing !== undefined) return;
    mkdirSync(units, { recursive: true });
    child = Bun.spawn([SYSTEMD, "--user", "--log-target=null"], {
      // The services that the machine has for its users are none of the test's.
      env: {
        ...box.env,
        SYSTEMD_UNIT_PATH: `${units}:${join(box.runtime, "systemd/transient")}:/usr/lib/systemd/user`,
      },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    const end = Date.now() + START_MS;
    for (;;) {
      if (/^(running|degraded)/.test((await systemctl("is-system-running")).stdout)) break;
      if (Date.now() > end || child.exitCode !== null) throw new Error("systemd --user does not start");
      await Bun.sleep(50);
    }
  }, START_MS + 10_000);
  box.ends.push(async () => {
    await systemctl("exit");
    await child?.exited;
    // Files that nobody may open are among systemd's own.
    await run("chmod", ["-R", "u+rwx", join(box.runtime, "systemd")]);
    for (const name of ["systemd", "bus"]) rmSync(join(box.runtime, name), { recursive: true, force: true });
  });
  return {
    systemctl,
    property,
    units,
    settled: async (unit, name, value) => {
      const end = Date.now() + 20_000;
      for (;;) {
        const found = await property(unit, name);
        if (found === value) return;
        if (Date.now() > end) throw new Error(`${unit} never has ${name}=${value}, but ${found}`);
        await Bun.sleep(100);
      }
    },
    unit: async (name, text) => {
      mkdirSync(units, { recursive: true });
      writeFileSync(join(units, name), text);
      const { code, stderr } = await systemctl("daemon-reload");
      if (code !== 0) throw new Error(stderr);
    },
  };
}
