/** The plan of a command in the user's base namespaces: kelp's own jobs, and `unshare`. */
import type { IdMaps, Paths } from "../host/index.ts";
import { lowerBase } from "./lower-base.ts";
import { lowerRootViews, type RootView } from "./lower-root-view.ts";
import type { Plan } from "./plan/ops.ts";
import { PlanBuilder } from "./plan-builder.ts";

export interface LowerEnterInput {
  readonly paths: Paths;
  readonly maps: IdMaps;
  /** argv[0] is a path, or a name looked up in `search`. */
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly search?: readonly string[];
  /** Descriptors from 3 on that the command keeps. */
  readonly keepFds?: number;
  /** Absolute. */
  readonly cwd: string;
  /** Mounted for this command alone. */
  readonly views?: readonly RootView[];
  /** Removed at the end: the plan itself, where its writer is not there any more. */
  readonly leftover?: string;
  readonly onFailure: { readonly argv: readonly string[]; readonly env: readonly string[] };
}

/** The command is uid 0 of the namespace with every capability there; its streams are the caller's. Pure. */
export function lowerEnter(input: LowerEnterInput): Plan {
  const plan = new PlanBuilder();
  plan.add("config", "onFailure", input.onFailure);
  lowerBase(plan, input);
  const { views = [] } = input;
  if (views.length === 0) plan.add("monitor", "registerHolder", {}, { origin: "base namespaces" });
  else lowerRootViews(plan, views);
  plan.add("exec", "chdir", { path: input.cwd }, { origin: "working directory" });
  const { argv, env, search = [], keepFds = 0 } = input;
  plan.add("exec", "keepFds", { count: keepFds }, { origin: "default" });
  plan.add("exec", "execve", { argv, env, search }, { origin: "command" });
  if (input.leftover !== undefined)
    plan.add("finish", "removeFile", { path: input.leftover }, { origin: "default" });
  return plan.build();
}
