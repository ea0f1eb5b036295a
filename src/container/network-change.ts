/** Changing networks while containers run: a plan that enters the shared network, does its work and ends. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isAlive, loadIdMaps, netDir } from "../host/index.ts";
import { holdfastPath, kelpCommand, type Plan, runPlan, writePlan } from "../runtime/index.ts";
import type { Context, NetworkPlan } from "../state/index.ts";
import { helperEnvironment } from "./helper-env.ts";

/** Whether anybody holds the shared network namespace; if not, nothing of any network exists in the kernel. */
export function isShared(ctx: Context): boolean {
  try {
    return readdirSync(netDir(ctx.paths)).some((name) => {
      const [pid = "", start = ""] = name.split("-");
      return /^\d+$/.test(pid) && /^\d+$/.test(start) && isAlive(Number(pid), BigInt(start));
    });
  } catch {
    return false;
  }
}

export function changeInput(ctx: Context, id: string, network: NetworkPlan) {
  const { paths } = ctx;
  const argv = [
    ...kelpCommand(),
    "__failed",
    id,
    changePath(ctx),
    paths.data,
    paths.runtime,
    "exec-detached",
  ];
  return { paths, maps: loadIdMaps(), network, onFailure: { argv, env: helperEnvironment(ctx) } };
}

function changePath(ctx: Context): string {
  return join(ctx.paths.runtime, `network-${process.pid}.plan`);
}

/** The exit status of holdfast; it has said what went wrong, and removed the plan after reading it. */
export async function carryOut(ctx: Context, plan: Plan): Promise<number> {
  const path = changePath(ctx);
  writePlan(path, plan);
  const status = await runPlan(holdfastPath(ctx.paths), "enter", path);
  rmSync(path, { force: true });
  return status;
}
