/** --volumes-from: what other containers have mounted, be they running or not. */
import { UsageError } from "../base/index.ts";
import type { Context, MountConfig } from "../state/index.ts";
import { resolveContainer } from "./select.ts";

const WORDS = new Set(["ro", "rw", "z"]);

/** Volumes and binds of the containers named; of two on the same place the later one's. */
export function inheritedMounts(ctx: Context, flags: readonly string[]): MountConfig[] {
  const mounts = flags.flatMap((flag) => mountsOf(ctx, flag));
  return [...new Map(mounts.map((mount) => [mount.destination, mount])).values()];
}

function mountsOf(ctx: Context, flag: string): MountConfig[] {
  const [name = "", words = ""] = flag.split(":", 2);
  const options = words.split(",").filter((word) => word !== "");
  const wrong =
    options.some((word) => !WORDS.has(word)) || (options.includes("ro") && options.includes("rw"));
  if (wrong || name === "") {
    throw new UsageError("invalid-volumes-from", `invalid option ${JSON.stringify(flag)} in --volumes-from`, {
      hint: "give CONTAINER, CONTAINER:ro or CONTAINER:rw",
    });
  }
  const access = options.filter((word) => word !== "z");
  const origin = `--volumes-from ${flag}`;
  return resolveContainer(ctx, name)
    .config.mounts.filter(({ type }) => type === "volume" || type === "bind")
    .map((mount) => ({ ...mount, origin, options: withAccess(mount.options, access) }));
}

function withAccess(options: readonly string[], access: readonly string[]): string[] {
  const kept = access.length === 0 ? options : options.filter((word) => word !== "ro" && word !== "rw");
  return [...kept, ...access];
}
