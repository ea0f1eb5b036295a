/** What a job needs to look at a container's or an image's files. */
import { statSync } from "node:fs";
import { liveState, type RootView, runInside } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import type { ContainerEnd } from "../storage/index.ts";
import { type Tree, treeView } from "./compare.ts";
import { containerRootfs } from "./rootfs.ts";
import { volumePaths } from "./volumes.ts";

type Files = Pick<ContainerEnd, "root" | "mounts"> & {
  /** To be mounted for the job. */
  readonly view?: RootView;
};

/** A running container is seen through its first process, with all its mounts; another as it would start. */
export async function filesOf(ctx: Context, record: ContainerRecord, writable: boolean): Promise<Files> {
  const live = liveState(ctx, record.id);
  if (live.state === "running")
    return { mounts: [], root: { pid: live.init.pid, start: String(live.init.start) } };
  const rootfs = await containerRootfs(ctx, record);
  return {
    mounts: volumesAndBinds(ctx, record),
    root: { path: rootfs.merged },
    view: { rootfs, writable },
  };
}

function volumesAndBinds(ctx: Context, { config }: ContainerRecord): ContainerEnd["mounts"] {
  const volumes = volumePaths(ctx, config.mounts);
  return config.mounts.flatMap((mount) => {
    const source = mount.type === "volume" ? volumes.get(mount.source ?? "") : mount.source;
    if ((mount.type !== "volume" && mount.type !== "bind") || source === undefined) return [];
    const found = statSync(source, { throwIfNoEntry: false });
    if (found === undefined) return [];
    const destination = Buffer.from(mount.destination).toString("latin1");
    const readOnly = mount.options.includes("ro") || mount.options.includes("readonly");
    return [{ destination, source, isFile: !found.isDirectory(), readOnly }];
  });
}

/** What a path inside that was begun could become: see the job. */
export async function completePathInside(ctx: Context, tree: Tree, path: string): Promise<string[]> {
  const { view, ...files } =
    "container" in tree ? await filesOf(ctx, tree.container, false) : await imageFiles(ctx, tree);
  const [container, cwd] =
    "container" in tree ? [tree.container.name, tree.container.config.workdir || "/"] : ["", "/"];
  return runInside(
    ctx,
    "complete-path",
    { ...files, container, cwd, path },
    view === undefined ? {} : { views: [view] },
  );
}

async function imageFiles(ctx: Context, tree: Tree): Promise<Files> {
  const view = await treeView(ctx, tree);
  return { mounts: [], root: { path: view.rootfs.merged }, view };
}
