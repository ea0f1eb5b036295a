/** Capabilities and the filter of system calls, in words. */
import { parseSecurityOptions, refusedGroups } from "../../runtime/index.ts";
import type { Preview } from "./preview.ts";

const short = (name: string) => name.replace(/^CAP_/, "");

export function confinementWords({ config, spec, facts }: Preview): string[] {
  const { bounding, effective, ambient } = spec.process.capabilities;
  const list = (names: readonly string[]) => (names.length === 0 ? "none" : names.map(short).join(" "));
  const held =
    effective.length === bounding.length
      ? `the command has ${list(effective)}`
      : `the command begins with ${list(effective)}; programs of root may have ${list(bounding)}`;
  return [
    held,
    `of ${facts.lastCap + 1} that there are, ${facts.lastCap + 1 - bounding.length} nobody in the container can get`,
    ...(ambient.length === 0 ? [] : [`kept across executions without root: ${list(ambient)}`]),
    "none of them is worth anything outside of your own user namespace",
    spec.process.noNewPrivileges
      ? "set-uid programs gain nothing (no_new_privs)"
      : "set-uid programs of the image work, within the container's users",
    ...(config.privileged
      ? ["--privileged lifts what confines the container beyond your own rights, not those"]
      : []),
  ];
}

export function filterWords({ config, spec }: Preview): string[] {
  const { seccomp } = parseSecurityOptions(config.securityOpt);
  if (seccomp === "unconfined" || (seccomp === "default" && config.privileged))
    return ["not filtered: every call reaches the kernel, which still asks for capabilities"];
  if (seccomp !== "default") return [`filtered by the profile ${seccomp}`];
  const capabilities = new Set(spec.process.capabilities.bounding);
  return ["kelp's own filter refuses:", ...refusedGroups(capabilities).map((group) => `  ${group}`)];
}
