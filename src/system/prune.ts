/** `system prune`: everything that nobody uses, at once. */
import {
  dropStrayRunDirs,
  isLive,
  isPresentProcess,
  isStep,
  presentContainers,
  removeContainer,
  removeNetwork,
  removeVolume,
  sweepEnded,
  usedMappings,
  usingNetwork,
  viewOf,
} from "../container/index.ts";
import { jobRunner, pruneImages } from "../image/index.ts";
import { DEFAULT_NETWORK, listNetworks } from "../network/index.ts";
import type { ContainerRecord, Context, ImageRecord, NetworkRecord, VolumeRecord } from "../state/index.ts";
import { sweepStore } from "../storage/index.ts";
import { diskUsage, type StoreUsage } from "./usage.ts";

export interface PruneOptions {
  /** Images with names as well. */
  readonly all: boolean;
  /** Volumes too; with `all`, named ones as well as anonymous ones. */
  readonly volumes: boolean;
  readonly chosen: {
    readonly container: (container: ContainerRecord) => boolean;
    readonly image: (image: ImageRecord) => boolean;
    readonly volume: (volume: VolumeRecord) => boolean;
    readonly network: (network: NetworkRecord) => boolean;
  };
}

export interface PruneReport {
  readonly containers: readonly string[];
  readonly images: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
  /** Bytes. */
  readonly reclaimed: number;
}

/** Containers first, since they are what keeps the rest. */
export async function pruneStore(ctx: Context, options: PruneOptions): Promise<PruneReport> {
  const { chosen } = options;
  const before = occupied(await diskUsage(ctx));
  await sweepEnded(ctx);
  dropStrayRunDirs(ctx);
  const containers = await pruneContainers(ctx, chosen.container);
  const networks = await pruneNetworks(ctx, chosen.network);
  const volumes = options.volumes ? await pruneVolumes(ctx, chosen.volume) : [];
  const { deleted } = await pruneImages(
    ctx,
    (image) => (options.all || image.names.length === 0) && chosen.image(image),
  );
  await sweepStore(ctx, jobRunner(ctx), { mapped: usedMappings(ctx) });
  const reclaimed = Math.max(0, before - occupied(await diskUsage(ctx)));
  return { containers, images: deleted, networks, volumes, reclaimed };
}

function occupied({ totals }: StoreUsage): number {
  return totals.images.size + totals.containers.size + totals.volumes.size;
}

async function pruneContainers(ctx: Context, chosen: PruneOptions["chosen"]["container"]): Promise<string[]> {
  const removed: string[] = [];
  const dependedOn = new Set(presentContainers(ctx).flatMap(({ config }) => config.dependencies));
  for (const record of presentContainers(ctx)) {
    if (isLive(viewOf(ctx, record).status) || dependedOn.has(record.id) || !chosen(record)) continue;
    // A build that lives makes its next step ready.
    if (isStep(record) && isPresentProcess(record.config.creator ?? "")) continue;
    removed.push(...(await removeContainer(ctx, record, {})));
  }
  return removed;
}

async function pruneNetworks(ctx: Context, chosen: PruneOptions["chosen"]["network"]): Promise<string[]> {
  const removed: string[] = [];
  for (const network of listNetworks(ctx)) {
    if (network.name === DEFAULT_NETWORK || usingNetwork(ctx, network).length > 0 || !chosen(network))
      continue;
    await removeNetwork(ctx, network);
    removed.push(network.name);
  }
  return removed;
}

async function pruneVolumes(ctx: Context, chosen: PruneOptions["chosen"]["volume"]): Promise<string[]> {
  const removed: string[] = [];
  for (const volume of ctx.state.volumes.list()) {
    if (ctx.state.containers.usingVolume(volume.name).length > 0 || !chosen(volume)) continue;
    await removeVolume(ctx, volume);
    removed.push(volume.name);
  }
  return removed;
}
