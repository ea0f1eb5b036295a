import { beforeAll, expect } from "bun:test";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { KELP } from "../support/environment.ts";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("198-interrupted-start");
const { test } = requires("busybox", "overlay", "subuid", "strace");
const quiet = ["--network", "none"];

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
});

async function until<T>(look: () => T | undefined): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await Bun.sleep(10);
  }
}

/** The pid of the only child of a process, once there is one. */
function childOf(pid: number): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    return child ? Number(child) : undefined;
  } catch {
    return undefined;
  }
}

/** Empty for a process that is gone. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

test("a start whose command is killed before it is told of it leaves no container running", async () => {
  // Whoever makes the base namespaces needs set-uid programs, which strace would keep from their rights.
  await box.ok(["run", "-d", "--name", "keeper198", ...quiet, BUSYBOX, "sleep", "60"]);
  const delay = ["-e", "trace=renameat", "-e", "inject=renameat:delay_enter=2000000"];
  const args = ["-f", "-qq", "-o", "/dev/null", ...delay, KELP, "run", "--rm", "--name", "i198", ...quiet];
  const strace = spawn("strace", [...args, BUSYBOX, "sleep", "60"], { env: box.env, stdio: "ignore" });
  // Its first children are strace's own: it tries out what the kernel can do.
  const launcher = await until(() => {
    const child = childOf(strace.pid!);
    return child !== undefined && commandOf(child).includes("holdfast") ? child : undefined;
  });
  await until(() => childOf(launcher));
  process.kill(launcher, "SIGKILL");
  await new Promise((resolve) => strace.once("exit", resolve));
  await until(() => ((childOf(launcher) ?? 0) === 0 ? true : undefined));
  let left = "-";
  for (let attempt = 0; attempt < 200 && left !== ""; attempt++) {
    await Bun.sleep(50);
    left = await box.ok(["ps", "-a", "--filter", "name=i198", "-q"]);
  }
  expect(left).toBe("");
  await box.ok(["rm", "-f", "-t", "0", "keeper198"]);
}, 60_000);
