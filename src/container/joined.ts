/** Namespaces of other containers. */
import { ConflictError } from "../base/index.ts";
import type { SpecNamespaceType } from "../oci/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { statusOf } from "./status.ts";

const FILES: Readonly<Record<string, string>> = {
  pid: "pid",
  network: "net",
  ipc: "ipc",
  uts: "uts",
  cgroup: "cgroup",
  user: "user",
};

/**
 * Paths of the namespaces that the modes `container:ID` mean.
 *
 * @throws {ConflictError} if such a container does not run
 */
export function joinedNamespaces(
  ctx: Context,
  { config }: ContainerRecord,
): Partial<Record<SpecNamespaceType, string>> {
  const { pid, ipc, uts, cgroup, user } = config.namespaces;
  const own = config.ownIds === undefined ? {} : { user };
  const modes = { pid, ipc, uts, cgroup, network: config.network.mode, ...own };
  const joined: Partial<Record<SpecNamespaceType, string>> = {};
  for (const [type, mode] of Object.entries(modes)) {
    if (!mode.startsWith("container:")) continue;
    const owner = ctx.state.containers.resolve(mode.slice("container:".length));
    const status = statusOf(ctx, owner);
    if (status.pid === 0) {
      throw new ConflictError(
        "namespace-gone",
        `cannot join the ${type} namespace of container ${owner.name}: it is not running: container state improper`,
        {
          hint: `Start it first: kelp start ${owner.name}`,
        },
      );
    }
    joined[type as SpecNamespaceType] = `/proc/${status.pid}/ns/${FILES[type]}`;
  }
  return joined;
}
