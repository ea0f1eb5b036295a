/** How much memory a command takes, with everything it starts. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // ended meanwhile
  }
}

/** A process and its descendants. */
function family(root: number): string[] {
  const parents = new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => [pid, /\) \S (\d+)/.exec(readOrEmpty(`/proc/${pid}/stat`))?.[1] ?? ""]),
  );
  const found = new Set([String(root)]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** Bytes, shared pages in proportion. */
function memoryOf(pid: string): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readOrEmpty(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024;
}

/** Runs a command to its end; its exit status and the most memory it had at once, looked at every few milliseconds. */
export async function peakMemory(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly peak: number }> {
  const child = spawn(command, args, { env, stdio: "ignore" });
  let code: number | null | undefined;
  child.on("exit", (status) => {
    code = status;
  });
  let peak = 0;
  while (code === undefined) {
    const now = family(child.pid ?? 0).reduce((sum, pid) => sum + memoryOf(pid), 0);
    peak = Math.max(peak, now);
    await Bun.sleep(10);
  }
  return { code, peak };
}
