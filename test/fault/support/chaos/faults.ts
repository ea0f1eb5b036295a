/** What goes wrong meanwhile: processes that are killed, a database that others keep, a disk without room. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { processesUsing } from "../../../support/index.ts";

/** Carries out one fault and says what it was; resolves when it is over. */
export type Fault = (random: () => number) => Promise<string>;

/** SIGKILL to any process of the sandbox's but its commands': monitors, keepers, programs they run, containers. */
export function killSomebody(directories: readonly string[]): Fault {
  return async (random) => {
    const found = processesUsing(directories).map((line) => Number(/^process (\d+)/.exec(line)?.[1]));
    const pid = found[Math.floor(random() * found.length)];
    if (pid === undefined) return "nobody to kill";
    const name = nameOf(pid);
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      return `${name} had ended`;
    }
    return `killed ${name} ${pid}`;
  };
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "?";
  }
}

/** Another process has the database for a moment. */
export function keepBusy(data: string): Fault {
  return async (random) => {
    const handle = new DatabaseSync(join(data, "kelp.db"));
    const time = Math.floor(random() * 700);
    try {
      handle.exec("BEGIN IMMEDIATE");
      await Bun.sleep(time);
      handle.exec("ROLLBACK");
    } catch {
      return "the database was busy already";
    } finally {
      handle.close();
    }
    return `the database was kept for ${time} ms`;
  };
}

/** The disk is full for a moment. */
export function fillDisk(disk: string): Fault {
  return async (random) => {
    const filler = join(disk, `filler-${process.pid}`);
    for (let size = 1 << 20; size >= 512; size /= 2) {
      try {
        for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: "a" });
      } catch {
        // that piece does not fit any more
      }
    }
    const time = Math.floor(random() * 500);
    await Bun.sleep(time);
    rmSync(filler, { force: true });
    return `the disk was full for ${time} ms`;
  };
}
