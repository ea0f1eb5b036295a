/** The specification of a container that runs, as far as a further process in it needs one. */
import { containerDir } from "../host/index.ts";
import type { RuntimeSpec } from "../oci/index.ts";
import {
  makeSpec,
  type ResolvedUser,
  type RuntimeFacts,
  resolveUser,
  runtimeFacts,
} from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { containerRootfs } from "./rootfs.ts";
import { currentUsers } from "./user-db.ts";

export interface RunningSpec {
  readonly spec: RuntimeSpec;
  readonly user: ResolvedUser;
  /** Its users and groups as they are now. */
  readonly users: ReturnType<typeof currentUsers>;
  readonly facts: RuntimeFacts;
}

/** Without mounts, and with namespaces that are all somebody's: which ones there are is what matters. */
export async function runningSpec(ctx: Context, record: ContainerRecord): Promise<RunningSpec> {
  const { config, id } = record;
  const users = currentUsers(ctx, record, await containerRootfs(ctx, record));
  const facts = runtimeFacts();
  const user = resolveUser(config.user, config.groupAdd, users);
  const spec = makeSpec({
    id,
    config: { ...config, mounts: [] },
    user,
    facts,
    containerDir: containerDir(ctx.paths, id),
    files: {},
    volumes: new Map(),
    joined: Object.fromEntries(["pid", "network", "ipc", "uts", "cgroup", "user"].map((type) => [type, ""])),
  });
  return { spec, user, users, facts };
}
