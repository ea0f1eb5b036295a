/** `system df`: where the disk went. */
import { join } from "node:path";
import { type ContainerView, isLive, presentContainers, usedMappings, viewOf } from "../container/index.ts";
import { containerDir, layersDir } from "../host/index.ts";
import { jobRunner, listImages } from "../image/index.ts";
import type { Digest } from "../oci/index.ts";
import type { Context, ImageRecord, VolumeRecord } from "../state/index.ts";
import { BlobStore, listMapped, mappedRow, requireLayer } from "../storage/index.ts";

export interface ImageUsage {
  readonly image: ImageRecord;
  /** Layers that other images have too. */
  readonly shared: number;
  /** What would go with this image alone, its documents included. */
  readonly unique: number;
  readonly containers: number;
}

export interface ContainerUsage {
  readonly view: ContainerView;
  /** What it wrote, as the disk holds it. */
  readonly disk: number;
  readonly running: boolean;
}

export interface VolumeUsage {
  readonly volume: VolumeRecord;
  /** Containers that mount it. */
  readonly links: number;
  readonly disk: number;
}

export interface Total {
  readonly total: number;
  readonly active: number;
  readonly size: number;
  /** What pruning everything unused would free. */
  readonly reclaimable: number;
}

export interface StoreUsage {
  readonly images: readonly ImageUsage[];
  readonly containers: readonly ContainerUsage[];
  readonly volumes: readonly VolumeUsage[];
  readonly totals: { readonly images: Total; readonly containers: Total; readonly volumes: Total };
}

/** Images are counted by their files' content, each layer once, and by what is made of them for other owners; the rest as `du` counts. */
export async function diskUsage(ctx: Context): Promise<StoreUsage> {
  const mapped = await mappedUsage(ctx);
  const images = imageUsage(ctx, mapped);
  const containers = await containerUsage(ctx);
  const volumes = await volumeUsage(ctx);
  return {
    images,
    containers,
    volumes,
    totals: {
      images: imageTotal(ctx, images, mapped),
      containers: total(containers, ({ running }) => running),
      volumes: total(volumes, ({ links }) => links > 0),
    },
  };
}

/** Layers with other owners, for containers with ids of their own. */
interface MappedUsage {
  /** The topmost layer they are made of. */
  readonly row: number;
  readonly disk: number;
  readonly used: boolean;
}

async function mappedUsage(ctx: Context): Promise<MappedUsage[]> {
  const names = listMapped(ctx);
  const sizes = await measure(
    ctx,
    names.map((name) => join(layersDir(ctx.paths), name)),
  );
  const used = usedMappings(ctx);
  return names.map((name, index) => ({
    row: Number(mappedRow(name)),
    disk: sizes[index] ?? 0,
    used: used.has(name),
  }));
}

const sumDisk = (items: readonly { readonly disk: number }[]) =>
  items.reduce((bytes, { disk }) => bytes + disk, 0);

function imageUsage(ctx: Context, mapped: readonly MappedUsage[]): ImageUsage[] {
  const blobs = new BlobStore(ctx.paths);
  return listImages(ctx).map(({ record: image, containers }) => {
    let [shared, unique] = [0, 0];
    for (const row of image.layers) {
      const size = requireLayer(ctx, row).size + sumDisk(mapped.filter((one) => one.row === row));
      if (ctx.state.layers.references(row) > 1) shared += size;
      else unique += size;
    }
    unique += Buffer.byteLength(image.configJson) + (blobs.size(image.manifestDigest as Digest) ?? 0);
    return { image, shared, unique, containers };
  });
}

function imageTotal(ctx: Context, images: readonly ImageUsage[], mapped: readonly MappedUsage[]): Total {
  const used = images.filter(({ containers }) => containers > 0);
  const sizeOf = (some: readonly ImageUsage[]) =>
    [...new Set(some.flatMap(({ image }) => image.layers))].reduce(
      (sum, row) => sum + requireLayer(ctx, row).size,
      0,
    );
  const size = sizeOf(images) + sumDisk(mapped);
  const kept = sizeOf(used) + sumDisk(mapped.filter((one) => one.used));
  return { total: images.length, active: used.length, size, reclaimable: size - kept };
}

async function containerUsage(ctx: Context): Promise<ContainerUsage[]> {
  const views = presentContainers(ctx).map((record) => viewOf(ctx, record));
  const sizes = await measure(
    ctx,
    views.map(({ record }) =>
      join(containerDir(ctx.paths, record.id), record.config.storageDriver === "vfs" ? "rootfs" : "upper"),
    ),
  );
  return views.map((view, index) => ({ view, disk: sizes[index] ?? 0, running: isLive(view.status) }));
}

async function volumeUsage(ctx: Context): Promise<VolumeUsage[]> {
  const volumes = ctx.state.volumes.list();
  const sizes = await measure(
    ctx,
    volumes.map(({ mountpoint }) => mountpoint),
  );
  return volumes.map((volume, index) => ({
    volume,
    links: ctx.state.containers.usingVolume(volume.name).length,
    disk: sizes[index] ?? 0,
  }));
}

async function measure(ctx: Context, paths: readonly string[]): Promise<number[]> {
  if (paths.length === 0) return [];
  return (await jobRunner(ctx)("measure-trees", { paths })).map(({ disk }) => disk);
}

function total<T extends { readonly disk: number }>(
  items: readonly T[],
  isActive: (item: T) => boolean,
): Total {
  const active = items.filter(isActive);
  return {
    total: items.length,
    active: active.length,
    size: sumDisk(items),
    reclaimable: sumDisk(items) - sumDisk(active),
  };
}
