/** What is written through the fresh /proc: kernel settings and the OOM score. */
import type { RuntimeSpec } from "../oci/index.ts";
import { O, RESOLVE } from "./kernel.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";

/** The descriptor is that of the proc we mounted: no link and no other mount leads the writing elsewhere. */
const IN_PROC = RESOLVE.BENEATH | RESOLVE.NO_XDEV | RESOLVE.NO_MAGICLINKS;

/**
 * With --pid host there is no fresh /proc. The host's own does as well: what it shows under sys is of the
 * namespaces of whoever looks, and no image has had a hand in it.
 */
export function lowerHostProc(plan: PlanBuilder, spec: RuntimeSpec): void {
  const { sysctl = {}, uidMappings } = spec.linux;
  const needed =
    Object.keys(sysctl).length > 0 || spec.process.oomScoreAdj !== undefined || uidMappings !== undefined;
  if (!needed || spec.mounts.some((mount) => mount.type === "proc")) return;
  openProc(plan, "--pid host");
}

/** The files of these are the host's root's, whoever owns the namespace; the calls are not. */
const BY_CALL: Readonly<Record<string, "hostname" | "domainname">> = {
  "kernel.hostname": "hostname",
  "kernel.domainname": "domainname",
};

/** Before the root is changed, so that `lowerHostProc` can have opened the host's. */
export function lowerSysctls(plan: PlanBuilder, spec: RuntimeSpec): void {
  for (const [key, value] of Object.entries(spec.linux.sysctl ?? {})) {
    const call = BY_CALL[key.replaceAll("/", ".")];
    if (call !== undefined) {
      plan.add("setup", call, { name: value }, { origin: `--sysctl ${key}` });
      continue;
    }
    // A slash in a key separates, and then a dot is part of a name (net/ipv4/conf/eth0.1/...).
    const path = `sys/${key.includes("/") ? key : key.replaceAll(".", "/")}`;
    const args = { root: SLOT.proc, path, resolve: IN_PROC | RESOLVE.NO_SYMLINKS, data: value };
    plan.add("setup", "writeAt", args, { origin: `--sysctl ${key}` });
  }
}

export function lowerOomScore(plan: PlanBuilder, spec: RuntimeSpec): void {
  if (spec.process.oomScoreAdj === undefined) return;
  writeOomScore(plan, spec.process.oomScoreAdj);
}

/** For exec, which is inside already: the same, through the container's own /proc. */
export function lowerExecOomScore(plan: PlanBuilder, score: number | undefined): void {
  if (score === undefined) return;
  openProc(plan, "--oom-score-adj");
  writeOomScore(plan, score);
}

function openProc(plan: PlanBuilder, origin: string): void {
  const path = { path: "/proc", flags: O.PATH | O.DIRECTORY | O.NOFOLLOW, into: SLOT.proc };
  plan.add("setup", "openPath", path, { origin });
}

function writeOomScore(plan: PlanBuilder, score: number): void {
  const args = { root: SLOT.proc, path: "self/oom_score_adj", resolve: IN_PROC, data: String(score) };
  plan.add("setup", "writeAt", args, { origin: "--oom-score-adj" });
}
