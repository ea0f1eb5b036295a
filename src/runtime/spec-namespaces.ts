/** Which namespaces a container makes, joins, or shares with the host. */
import { UsageError } from "../base/index.ts";
import type { SpecNamespace, SpecNamespaceType } from "../oci/index.ts";
import type { ContainerConfig } from "../state/index.ts";

/** Paths of namespaces to join for the modes `container:ID`, by type; the caller knows who lives. */
export type JoinedNamespaces = Partial<Record<SpecNamespaceType, string>>;

/** The modes of a container by the specification's names; the mount namespace is always its own. */
export function namespaceModes(config: ContainerConfig): Partial<Record<SpecNamespaceType, string>> {
  const { pid, ipc, uts, cgroup } = config.namespaces;
  return { pid, network: config.network.mode, ipc, uts, cgroup };
}

/**
 * @throws {UsageError} for a user namespace mode kelp does not have and for `container:` modes without a path.
 */
export function makeNamespaces(config: ContainerConfig, joined: JoinedNamespaces): SpecNamespace[] {
  if (config.ownIds === undefined) checkUser(config.namespaces.user);
  const result: SpecNamespace[] = [{ type: "mount" }];
  if (config.ownIds !== undefined) {
    const path = joinedPath("user", config.namespaces.user, joined);
    result.push(path === undefined ? { type: "user" } : { type: "user", path });
  }
  for (const [type, mode] of Object.entries(namespaceModes(config)) as [SpecNamespaceType, string][]) {
    if (mode === "host") continue;
    const path = joinedPath(type, mode, joined);
    result.push(path === undefined ? { type } : { type, path });
  }
  return result;
}

function joinedPath(type: SpecNamespaceType, mode: string, joined: JoinedNamespaces): string | undefined {
  if (mode.startsWith("ns:")) return mode.slice(3);
  const path = joined[type];
  if (path !== undefined || !mode.startsWith("container:")) return path;
  throw new UsageError(
    "namespace-gone",
    `cannot join the ${type} namespace of ${mode.slice(10)}: the container is not running`,
    {
      hint: "start that container first",
    },
  );
}

function checkUser(mode: string): void {
  // A container that shares the base's ids is joined by sharing them too.
  if (["", "host", "private"].includes(mode) || mode.startsWith("container:")) return;
  throw new UsageError("unsupported-userns", `cannot use --userns ${mode}`, {
    hint: "give the container its own ids: --userns keep-id, nomap or auto, or --uidmap",
  });
}

/** Whether the container has a namespace of this type that is not the host's. */
export function hasNamespace(namespaces: readonly SpecNamespace[], type: SpecNamespaceType): boolean {
  return namespaces.some((namespace) => namespace.type === type);
}
