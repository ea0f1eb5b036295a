import { humanSize } from "../../../base/index.ts";
import { pruneBuildCache } from "../../../build/index.ts";
import { imageConfig } from "../../../image/index.ts";
import {
  type ContainerRecord,
  type ImageRecord,
  type NetworkRecord,
  openContext,
  type VolumeRecord,
} from "../../../state/index.ts";
import { pruneStore } from "../../../system/index.ts";
import { agreedTo } from "../../ask.ts";
import { defineCommand } from "../../command.ts";
import { compileFilters, labelFilters, untilFilter } from "../../filters.ts";
import { FILTER_LONG_OPTION } from "../../options/listing.ts";

interface Labelled {
  readonly created: number;
}

export default defineCommand({
  paths: [["system", "prune"]],
  summary: "Remove all containers, networks and images that are not used",
  description: `Containers that do not run, networks of no container, and images without a name; with --all every image that no
  container uses, with --volumes also the volumes that none uses. Filters are label, label! and until.`,
  usage: "[options]",
  options: {
    all: { kind: "boolean", short: "a", text: "Images with names as well" },
    build: { kind: "boolean", text: "Empty the build cache too, with the directories of cache mounts" },
    external: { kind: "boolean", text: "Containers of other tools; kelp's store has none" },
    ...FILTER_LONG_OPTION,
    force: { kind: "boolean", short: "f", text: "Do not ask" },
    volumes: { kind: "boolean", text: "Remove unused volumes too" },
  },
  args: { min: 0, max: 0 },
  exclusive: [["volumes", "filter", "--filter cannot be used together with --volumes"]],
  async run({ options, io, globals }) {
    const ctx = await openContext(globals);
    if (!options.force && !(await agreedTo(io, warning(options)))) return 0;
    const report = await pruneStore(ctx, {
      all: options.all,
      volumes: options.volumes,
      chosen: {
        container: predicate<ContainerRecord>(options.filter, ({ config }) => config.labels),
        image: predicate<ImageRecord>(options.filter, (image) => imageConfig(image).config.Labels ?? {}),
        network: predicate<NetworkRecord>(options.filter, ({ labels }) => labels),
        volume: predicate<VolumeRecord>(options.filter, ({ labels }) => labels),
      },
    });
    const cache = options.build ? await pruneBuildCache(ctx, { all: true }) : { keys: [], bytes: 0 };
    const sections = [
      ["Deleted Containers", report.containers],
      ["Deleted Networks", report.networks],
      ["Deleted Volumes", report.volumes],
      ["Deleted Images", report.images],
      ["Deleted Build Cache", cache.keys],
    ] as const;
    for (const [heading, names] of sections)
      if (names.length > 0) io.out(`${heading}\n${names.map((name) => `${name}\n`).join("")}`);
    io.out(`Total reclaimed space: ${humanSize(report.reclaimed + cache.bytes)}\n`);
    return 0;
  },
});

function predicate<T extends Labelled>(
  filters: readonly string[],
  labels: (item: T) => Readonly<Record<string, string>>,
): (item: T) => boolean {
  return compileFilters<T>(filters, {
    ...labelFilters<T>(labels),
    until: untilFilter<T>(({ created }) => created, Date.now()),
  });
}

function warning({ all, volumes }: { readonly all: boolean; readonly volumes: boolean }): string {
  const what = [
    "all stopped containers",
    "all networks not used by at least one container",
    ...(volumes ? ["all volumes not used by at least one container"] : []),
    all ? "all images without at least one container associated with them" : "all dangling images",
  ];
  return `WARNING! This command removes:\n${what.map((line) => `\t- ${line}\n`).join("")}\n`;
}
