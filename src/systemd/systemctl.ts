/** Asking the service manager. */
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
