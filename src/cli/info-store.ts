/** The part of `kelp info` about the store. */
import { existsSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { isRunning, ownContainers, statusOf } from "../container/index.ts";
import type { Context } from "../state/index.ts";
import { volumesDir } from "../volume/index.ts";
import { goMap } from "./template.ts";

const FILESYSTEMS: Readonly<Record<number, string>> = {
  2435016766: "btrfs",
  61267: "extfs",
  16914836: "tmpfs",
  1481003842: "xfs",
  2035054128: "overlayfs",
  801189825: "zfs",
  26985: "nfs",
};

/** Counts, places and sizes; reading them makes no store where there is none. */
export function storeReport(ctx: Context): Record<string, unknown> {
  const { paths, settings } = ctx;
  const disk = statfsSync(nearestExisting(paths.data));
  const stored = existsSync(join(paths.data, "kelp.db"));
  const report = {
    configFile: join(paths.config, "kelp.toml"),
    containerStore: stored ? containerCounts(ctx) : { number: 0, paused: 0, running: 0, stopped: 0 },
    graphDriverName: settings.storageDriver || "overlay",
    graphOptions: goMap(graphOptions(settings.storageOpts)),
    graphRoot: paths.data,
    graphRootAllocated: disk.blocks * disk.bsize,
    graphRootUsed: (disk.blocks - disk.bfree) * disk.bsize,
    graphStatus: goMap({ "Backing Filesystem": FILESYSTEMS[disk.type] ?? `0x${disk.type.toString(16)}` }),
    imageCopyTmpDir: join(paths.data, "tmp"),
    imageStore: { number: stored ? ctx.state.images.list().length : 0 },
    runRoot: paths.runtime,
    transientStore: false,
    volumePath: volumesDir(ctx),
  };
  return report;
}

function containerCounts(ctx: Context): object {
  const found = ownContainers(ctx).map((record) => statusOf(ctx, record));
  const paused = found.filter(({ state }) => state === "paused").length;
  const running = found.filter(isRunning).length - paused;
  return { number: found.length, paused, running, stopped: found.length - running - paused };
}

function graphOptions(options: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    options
      .filter((option) => option !== "")
      .map((option) => [option.split("=")[0] as string, option.split("=").slice(1).join("=")]),
  );
}

function nearestExisting(path: string): string {
  return existsSync(path) || path === "/" ? path : nearestExisting(dirname(path));
}
