/** Asking the service manager. */
import { HostError } from "../base/index.ts";
import { findProgram } from "../host/index.ts";

export interface SystemctlAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Whether there is a systemctl at all. */
export function systemctlIsThere(): boolean {
  return findProgram("systemctl") !== undefined;
}

/** Runs `systemctl --user WORDS` to its end. @param limitMs after which it is given up, with status 124 */
export async function systemctl(words: readonly string[], limitMs = 60_000): Promise<SystemctlAnswer> {
  const program = findProgram("systemctl");
  if (program === undefined) return { code: 127, stdout: "", stderr: "systemctl is not installed" };
  const { execFile } = await import("node:child_process");
  return new Promise((resolve) => {
    execFile(
      program,
      ["--user", ...words],
      { timeout: limitMs, maxBuffer: 16 << 20 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : 124;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

/**
 * Properties of a unit, by name; those of a unit that there is not as well (LoadState says so).
 *
 * @param purpose what is wanted of systemd, for the error
 * @throws {HostError} `no-user-manager` where no systemd of the user's answers
 */
export async function unitProperties<K extends string>(
  unit: string,
  names: readonly K[],
  purpose: string,
): Promise<Record<K, string>> {
  const { code, stdout, stderr } = await systemctl(["show", `--property=${names.join(",")}`, "--", unit]);
  if (code !== 0) {
    const reason = stderr.trim().split("\n")[0] || `systemctl ends with ${code}`;
    throw new HostError("no-user-manager", `cannot ${purpose}: ${reason}`, {
      hint: "units need the user's own systemd (kelp doctor user-session)",
    });
  }
  const value = (name: K) => new RegExp(`^${name}=(.*)$`, "m").exec(stdout)?.[1] ?? "";
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<K, string>;
}
