import { ago, humanSize } from "../../../base/index.ts";
import { buildCacheUsage, type CacheUsage } from "../../../build/index.ts";
import { fullCommand } from "../../../container/index.ts";
import { splitName } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import {
  type ContainerUsage,
  diskUsage,
  type ImageUsage,
  type StoreUsage,
  type Total,
  type VolumeUsage,
} from "../../../system/index.ts";
import { defineCommand, type Io } from "../../command.ts";
import { statusText } from "../../container-row.ts";
import { printFormatted } from "../../format.ts";
import { FORMAT_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["system", "df"]],
  summary: "Show how much of the disk the store takes",
  description: `Images are counted by the content of their files, each layer once; containers and volumes as du counts. What can
  be reclaimed is what system prune --all --volumes would free.`,
  usage: "[options]",
  options: {
    ...FORMAT_OPTION,
    verbose: { kind: "boolean", short: "v", text: "List every image, container and volume" },
  },
  args: { min: 0, max: 0 },
  exclusive: [["format", "verbose", "cannot combine --format and --verbose flags"]],
  async run({ options, io, globals }) {
    const ctx = await openContext(globals);
    const usage = await diskUsage(ctx);
    if (options.verbose) {
      await printAll(io, usage);
      return 0;
    }
    const rows = [...totalRows(usage), ...cacheRows(await buildCacheUsage(ctx))];
    await printFormatted(io, rows, {
      name: "df",
      format: options.format,
      columns: ["Type", "Total", "Active", "Size", "Reclaimable"],
    });
    return 0;
  },
});

/** Only where builds have left something. */
function cacheRows({ count, size }: CacheUsage) {
  return count === 0 ? [] : [totalRow("Build Cache", { total: count, active: 0, size, reclaimable: size })];
}

function totalRows({ totals }: StoreUsage) {
  const named = [
    ["Images", totals.images],
    ["Containers", totals.containers],
    ["Local Volumes", totals.volumes],
  ] as const;
  return named.map(([type, total]) => totalRow(type, total));
}

function totalRow(type: string, { total, active, size, reclaimable }: Total) {
  return {
    Type: type,
    Total: total,
    Active: active,
    RawSize: size,
    RawReclaimable: reclaimable,
    TotalCount: total,
    Size: humanSize(size),
    Reclaimable: `${humanSize(reclaimable)} (${size === 0 ? 0 : Math.round((reclaimable / size) * 100)}%)`,
  };
}

async function printAll(io: Io, usage: StoreUsage): Promise<void> {
  const now = Date.now();
  io.out("Images space usage:\n\n");
  await printFormatted(
    io,
    usage.images.flatMap((image) => imageRows(image, now)),
    {
      name: "df",
      columns: ["Repository", "Tag", "ImageID", "Created", "Size", "SharedSize", "UniqueSize", "Containers"],
      noTrunc: true,
    },
  );
  io.out("\nContainers space usage:\n\n");
  await printFormatted(
    io,
    usage.containers.map((container) => containerRow(container, now)),
    {
      name: "df",
      columns: ["ContainerID", "Image", "Command", "LocalVolumes", "Size", "Created", "Status", "Names"],
      noTrunc: true,
    },
  );
  io.out("\nLocal Volumes space usage:\n\n");
  await printFormatted(io, usage.volumes.map(volumeRow), {
    name: "df",
    columns: ["VolumeName", "Links", "Size"],
    noTrunc: true,
  });
}

function imageRows({ image, shared, unique, containers }: ImageUsage, now: number) {
  const names = image.names.length === 0 ? [undefined] : image.names;
  return names.map((name) => {
    const { repository, tag } =
      name === undefined ? { repository: "<none>", tag: "<none>" } : splitName(name);
    return {
      Repository: repository,
      Tag: tag,
      ImageID: image.id.slice(0, 12),
      Created: ago(image.created, now),
      Size: humanSize(image.size),
      SharedSize: humanSize(shared),
      UniqueSize: humanSize(unique),
      Containers: containers,
    };
  });
}

function containerRow({ view, disk }: ContainerUsage, now: number) {
  const { record } = view;
  const command = fullCommand(record.config).join(" ");
  return {
    ContainerID: record.id.slice(0, 12),
    Image: record.config.image.slice(0, 12),
    Command: command.length > 17 ? `${command.slice(0, 17)}...` : command,
    LocalVolumes: record.config.mounts.filter(({ type }) => type === "volume").length,
    Size: humanSize(disk),
    Created: ago(record.created, now),
    Status: statusText(view, now),
    Names: record.name,
  };
}

function volumeRow({ volume, links, disk }: VolumeUsage) {
  return { VolumeName: volume.name, Links: links, Size: humanSize(disk) };
}
