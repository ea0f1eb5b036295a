/** Namespaces of other containers. */
import { ConflictError, UsageError } from "../base/index.ts";
import type { SpecNamespaceType } from "../oci/index.ts";
import { mayHave } from "../runtime/index.ts";
import type { ContainerConfig, ContainerRecord, Context } from "../state/index.ts";
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
 * @throws {ConflictError} if such a container does not run · @throws {UsageError} if its processes could take over the start
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
    // A process that waits to be started has rights that whoever sees it could take.
    if (status.pid === 0 || (type === "pid" && status.state === "initialized")) {
      throw new ConflictError(
        "namespace-gone",
        `cannot join the ${type} namespace of container ${owner.name}: it is not running: container state improper`,
        {
          hint: `Start it first: kelp start ${owner.name}`,
        },
      );
    }
    if (type === "pid") checkTracer(config, owner);
    joined[type as SpecNamespaceType] = `/proc/${status.pid}/ns/${FILES[type]}`;
  }
  return joined;
}

const TRACE = "CAP_SYS_PTRACE";

/**
 * A container's first process has the user's files before it before it has its own, and in a process namespace that is
 * there already it is in sight of whoever lives there. Who may trace any process of the same user namespace could
 * take it over; whoever gives the new container the same right says that the two are one.
 */
function checkTracer(config: ContainerConfig, owner: ContainerRecord): void {
  const apart = owner.config.ownIds !== undefined || !mayHave(owner.config, TRACE);
  if (apart || mayHave(config, TRACE)) return;
  throw new UsageError(
    "tracer-in-namespace",
    `cannot join the process namespace of container ${owner.name}: it has ${TRACE}, with which it could take over this container's start and reach your files`,
    {
      hint: `Give ${owner.name} ids of its own (--userns auto), or, if you trust it, this container the same capability (--cap-add SYS_PTRACE)`,
    },
  );
}
