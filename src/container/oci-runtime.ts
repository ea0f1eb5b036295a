/** --runtime: which OCI runtime makes a container, if it is not holdfast. */
import { accessSync, constants } from "node:fs";
import { HostError, UsageError } from "../base/index.ts";
import { findProgram } from "../host/index.ts";
import { type OciRuntime, runtimeKind } from "../runtime/index.ts";
import type { ContainerConfig, Context } from "../state/index.ts";

const OWN = ["", "holdfast"];
/** podman's status for what its runtime refuses. */
const REFUSED = 126;

/**
 * @throws {UsageError} for flags that nobody takes
 * @throws {HostError} for a runtime that is not there
 */
export function chooseRuntime({ settings }: Pick<Context, "settings">): OciRuntime | undefined {
  const name = settings.runtime;
  if (OWN.includes(name)) {
    const [flag] = settings.runtimeFlags;
    if (flag === undefined) return undefined;
    throw new UsageError("runtime-flag", `cannot pass --${flag} to the runtime: holdfast takes no flags`, {
      exitCode: REFUSED,
      hint: "Choose the OCI runtime that the flag is for: --runtime crun.",
    });
  }
  const path = name.includes("/") ? executable(name) : named(name, settings);
  if (path === undefined) {
    throw new HostError(
      "no-such-runtime",
      `default OCI runtime ${JSON.stringify(name)} not found: invalid argument`,
      {
        hint: "Install it, give its path, or leave --runtime out: kelp brings its own, holdfast.",
      },
    );
  }
  return { name, path, flags: [...(settings.runtimesFlags[name] ?? []), ...settings.runtimeFlags] };
}

function named(name: string, { runtimes, helperDirs }: Context["settings"]): string | undefined {
  return runtimes[name]?.map(executable).find((path) => path !== undefined) ?? findProgram(name, helperDirs);
}

function executable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return undefined;
  }
}

/**
 * What only holdfast does is refused by name.
 *
 * @throws {UsageError}
 */
export function checkRuntime({ runtime, init, groupAdd, namespaces, mounts }: ContainerConfig): void {
  if (runtime === undefined) return;
  const refuse = (option: string, reason: string) =>
    new UsageError("not-with-runtime", `cannot use ${option} with --runtime ${runtime.name}: ${reason}`);
  if (init) throw refuse("--init", "the small init is holdfast's");
  if (namespaces.ipc.startsWith("container:"))
    throw refuse("--ipc container:", "only holdfast can share the other container's /dev/shm");
  if (
    mounts.some(
      ({ type, options }) => type === "image" || options.some((word) => word.startsWith("subpath=")),
    )
  )
    throw refuse("--mount type=image and subpath", "only holdfast finds its way beneath a mount safely");
  if (groupAdd.includes("keep-groups") && runtimeKind(runtime) !== "crun")
    throw refuse("--group-add keep-groups", "only holdfast and crun can leave the groups alone");
}
