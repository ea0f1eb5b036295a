/** What is written through the fresh /proc: kernel settings and the OOM score. */
import { HostError } from "../base/index.ts";
import type { RuntimeSpec } from "../oci/index.ts";
import { O, RESOLVE } from "./kernel.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";

/** The descriptor is that of the proc we mounted: no link and no other mount leads the writing elsewhere. */
const IN_PROC = RESOLVE.BENEATH | RESOLVE.NO_XDEV | RESOLVE.NO_MAGICLINKS;

/** @throws {HostError} if settings are asked for without a /proc of the container's own. */
export function lowerSysctls(plan: PlanBuilder, spec: RuntimeSpec): void {
  for (const [key, value] of Object.entries(spec.linux.sysctl ?? {})) {
    requireProc(spec, "linux.sysctl");
    // A slash in a key separates, and then a dot is part of a name (net/ipv4/conf/eth0.1/...).
    const path = `sys/${key.includes("/") ? key : key.replaceAll(".", "/")}`;
    const args = { root: SLOT.proc, path, resolve: IN_PROC | RESOLVE.NO_SYMLINKS, data: value };
    plan.add("setup", "writeAt", args, { origin: `--sysctl ${key}` });
  }
}

/** Without a /proc of the container's own the score is the caller's. */
export function lowerOomScore(plan: PlanBuilder, spec: RuntimeSpec): void {
  if (spec.process.oomScoreAdj === undefined) return;
  requireProc(spec, "process.oomScoreAdj");
  writeOomScore(plan, spec.process.oomScoreAdj);
}

/** For exec, which is inside already: the same, through the container's own /proc. */
export function lowerExecOomScore(plan: PlanBuilder, score: number | undefined): void {
  if (score === undefined) return;
  const path = { path: "/proc", flags: O.PATH | O.DIRECTORY | O.NOFOLLOW, into: SLOT.proc };
  plan.add("setup", "openPath", path, { origin: "--oom-score-adj" });
  writeOomScore(plan, score);
}

function writeOomScore(plan: PlanBuilder, score: number): void {
  const args = { root: SLOT.proc, path: "self/oom_score_adj", resolve: IN_PROC, data: String(score) };
  plan.add("setup", "writeAt", args, { origin: "--oom-score-adj" });
}

function requireProc(spec: RuntimeSpec, field: string): void {
  if (spec.mounts.some((mount) => mount.type === "proc")) return;
  throw new HostError(
    "unsupported-spec-field",
    `cannot start the container: ${field} needs a process namespace of its own`,
    {
      hint: "leave out --pid host, or the option",
    },
  );
}
