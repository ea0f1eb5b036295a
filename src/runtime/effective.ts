/** What a container's process has in the end: for inspection. */
import { readProcFile } from "../host/index.ts";
import type { SpecCapabilities, SpecRlimit } from "../oci/index.ts";
import type { ContainerConfig } from "../state/index.ts";
import { lastCapability, parseLimits } from "./facts.ts";
import { resolveCapabilities } from "./spec-capabilities.ts";
import { makeRlimits } from "./spec-resources.ts";

/** The sets of the first process; a user given by another name than root counts as one, whatever the image says. */
export function effectiveCapabilities(config: ContainerConfig): SpecCapabilities {
  const user = config.user.split(":", 1)[0] ?? "";
  return resolveCapabilities({
    add: config.capAdd,
    drop: config.capDrop,
    privileged: config.privileged,
    uid: ["", "0", "root"].includes(user) ? 0 : 1,
    lastCap: lastCapability(),
  });
}

/** The limits of the running process `pid`, or those a start by the caller would give it (0). */
export function effectiveLimits(config: ContainerConfig, pid: number): SpecRlimit[] {
  const text = readProcFile(`/proc/${pid === 0 ? "self" : pid}/limits`) ?? "";
  return makeRlimits(config.ulimits, { hardLimits: parseLimits(text) });
}
