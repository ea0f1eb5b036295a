/** Joining the user's base namespaces, and making them where no container of the user lives. */
import { join } from "node:path";
import type { IdMaps, IdRange, Paths } from "../host/index.ts";
import { CLONE, MS } from "./kernel.ts";
import type { PlanBuilder } from "./plan-builder.ts";

/** What the base consists of: the user namespace that owns everything, and a mount namespace for overlays. */
export const BASE_NAMESPACES = CLONE.NEWUSER | CLONE.NEWNS;

export interface BaseInput {
  readonly paths: Paths;
  readonly maps: IdMaps;
  /** Directory of those who hold the shared network, if that is to be entered too. */
  readonly holders?: string | undefined;
  /** A network namespace that nobody else enters is to be made for the monitor. */
  readonly ownNetwork?: boolean | undefined;
}

const ORIGIN = "base namespaces";

/** The launch, map and base stages; the latter two run only if nobody holds a base yet. */
export function lowerBase(plan: PlanBuilder, { paths, maps, holders, ownNetwork }: BaseInput): void {
  plan.add(
    "launch",
    "joinBase",
    {
      lock: join(paths.runtime, "base.lock"),
      live: join(paths.runtime, "live"),
      net: holders ?? "",
      ownNet: ownNetwork === true ? 1 : 0,
      namespaces: BASE_NAMESPACES,
    },
    { origin: ORIGIN },
  );
  // An unprivileged process may write its gid map only after giving up setgroups for good.
  if (maps.single) plan.add("map", "idMap", { kind: 2, text: "deny" }, { origin: ORIGIN });
  mapIds(plan, 0, maps.uid, maps.newuidmap);
  mapIds(plan, 1, maps.gid, maps.newgidmap);
  if (maps.newuidmap !== undefined) plan.add("map", "await", {}, { origin: maps.newuidmap });
  // Mounts made on the host keep appearing (USB sticks, automounts); none of ours ever goes back.
  plan.add("base", "propagation", { path: "/", flags: MS.REC | MS.SLAVE }, { origin: ORIGIN });
}

function mapIds(
  plan: PlanBuilder,
  kind: 0 | 1,
  ranges: readonly IdRange[],
  helper: string | undefined,
): void {
  const origin = kind === 0 ? "subordinate uids" : "subordinate gids";
  if (helper === undefined) {
    const text = ranges.map(({ container, host, size }) => `${container} ${host} ${size}\n`).join("");
    plan.add("map", "idMap", { kind, text }, { origin });
    return;
  }
  const numbers = ranges.flatMap(({ container, host, size }) => [container, host, size].map(String));
  // Each takes a millisecond to start, so both run at once.
  const verb = kind === 0 ? "begin" : "run";
  // The pid takes the place of argv[1]; an empty environment keeps the caller's from a set-uid program.
  plan.add("map", verb, { argv: [helper, "0", ...numbers], env: [], pidArg: 1 }, { origin });
}
