/** Namespaces of the container's first process: made by its clone, or joined. */
import type { RuntimeSpec, SpecNamespace, SpecNamespaceType } from "../oci/index.ts";
import { CLONE } from "./kernel.ts";
import type { PlanBuilder } from "./plan-builder.ts";

const FLAGS: Readonly<Partial<Record<SpecNamespaceType, bigint>>> = {
  user: CLONE.NEWUSER,
  mount: CLONE.NEWNS,
  cgroup: CLONE.NEWCGROUP,
  uts: CLONE.NEWUTS,
  ipc: CLONE.NEWIPC,
  pid: CLONE.NEWPID,
  network: CLONE.NEWNET,
};

/** CLONE_NEW* bits of a list of namespaces. Of the users' only a container's own may be joined: entering one of the host's is not for a user. */
export function namespaceFlags(namespaces: readonly SpecNamespace[]): bigint {
  return namespaces.reduce((flags, { type }) => flags | (FLAGS[type] ?? 0n), 0n);
}

/** The namespaces the clone makes: those of the specification without a path, but the users', which come last of all. */
export function cloneFlags(spec: RuntimeSpec): bigint {
  const made = spec.linux.namespaces.filter(({ type, path }) => path === undefined && type !== "user");
  return namespaceFlags(made);
}

/** Whether the specification wants a cgroup namespace of the container's own. */
export function makesCgroupNamespace(spec: RuntimeSpec): boolean {
  return spec.linux.namespaces.some(({ type, path }) => type === "cgroup" && path === undefined);
}

/**
 * Joins what is to be joined, names the host, brings the loopback interface of a new network up.
 * A pid namespace is joined by the monitor: it is the process's children that get into it.
 */
export function lowerNamespaces(plan: PlanBuilder, spec: RuntimeSpec): void {
  for (const { type, path } of spec.linux.namespaces) {
    // The users' namespace comes last of all (lowerOwnUsers).
    if (path === undefined || type === "user") continue;
    const kind = Number(FLAGS[type] ?? 0n);
    plan.add(type === "pid" ? "monitor" : "setup", "joinNs", { path, kind }, { origin: `--${type}` });
  }
  const own = (type: SpecNamespaceType) =>
    spec.linux.namespaces.some((namespace) => namespace.type === type && namespace.path === undefined);
  if (own("uts") && spec.hostname !== undefined) {
    plan.add("setup", "hostname", { name: spec.hostname }, { origin: "--hostname" });
  }
  if (own("network")) plan.add("setup", "linkUp", { name: "lo" }, { origin: "--network" });
}
