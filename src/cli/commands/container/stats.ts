import { UsageError } from "../../../base/index.ts";
import {
  type ContainerView,
  type CpuSample,
  isRunning,
  ownContainers,
  resolveContainer,
  type UsageSample,
  usageSampler,
  viewOf,
} from "../../../container/index.ts";
import { type ContainerRecord, type Context, openContext } from "../../../state/index.ts";
import { defineCommand, type Io } from "../../command.ts";
import { printFormatted } from "../../format.ts";
import { ALL_OPTION, FORMAT_OPTION, LATEST_OPTION, NO_TRUNC_OPTION } from "../../options/listing.ts";
import { statsJson, statsRow } from "../../stats-row.ts";

interface Shown {
  readonly format?: string | undefined;
  readonly "no-trunc": boolean;
  readonly "no-reset": boolean;
  readonly "no-stream": boolean;
  readonly interval: number;
}

/** Between the two looks of --no-stream: long enough for a share of CPU time to mean something. */
const FIRST_LOOK_MS = 100;
const CLEAR = "\u001b[2J\u001b[H";

export default defineCommand({
  paths: [["stats"], ["container", "stats"]],
  summary: "Display a live stream of container resource usage statistics",
  description:
    "Counts by the container's control group where it has one with the controllers memory, pids, cpu and io, else by its processes in /proc.",
  usage: "[options] [CONTAINER...]",
  examples: [
    ["kelp stats", "Watch all running containers"],
    ["kelp stats --no-stream web", "Look once"],
  ],
  options: {
    ...ALL_OPTION,
    ...FORMAT_OPTION,
    ...LATEST_OPTION,
    ...NO_TRUNC_OPTION,
    interval: { kind: "int", short: "i", value: "SECONDS", default: 5, text: "Time between two looks" },
    "no-reset": { kind: "boolean", text: "Do not clear the screen between two looks" },
    "no-stream": { kind: "boolean", text: "Look once" },
  },
  args: { min: 0, completes: "running" },
  async run({ io, args, options, globals }) {
    if ([options.all, options.latest, args.length > 0].filter(Boolean).length > 1)
      throw new UsageError("conflicting-flags", "--all, --latest and containers cannot be used together");
    if (options.interval < 1)
      throw new UsageError("invalid-interval", "invalid interval, must be a positive number greater zero");
    const ctx = await openContext(globals);
    const choose = () => chosen(ctx, args, options);
    await show(ctx, io, choose, options);
    return 0;
  },
});

function chosen(
  ctx: Context,
  args: readonly string[],
  options: { readonly all: boolean; readonly latest: boolean },
): ContainerView[] {
  const views = (records: readonly ContainerRecord[]) => records.map((record) => viewOf(ctx, record));
  if (options.latest) {
    const latest = ownContainers(ctx).at(-1);
    return views(latest === undefined ? [] : [latest]);
  }
  if (args.length > 0) return views(args.map((name) => resolveContainer(ctx, name)));
  const all = views(ownContainers(ctx));
  return options.all ? all : all.filter(({ status }) => isRunning(status));
}

type Before = ReadonlyMap<string, CpuSample>;

async function show(ctx: Context, io: Io, choose: () => ContainerView[], shown: Shown): Promise<void> {
  const sampler = usageSampler(ctx);
  const byId = (views: readonly ContainerView[], samples: readonly CpuSample[]): Before =>
    new Map(views.map(({ record }, index) => [record.id, samples[index]!]));
  const once = shown["no-stream"];
  let views = choose();
  let before: Before = new Map();
  if (once) {
    before = byId(views, sampler.cpu(views));
    await pause(FIRST_LOOK_MS);
  }
  for (;;) {
    const samples = sampler.usage(views);
    if (!once && !shown["no-reset"] && io.stdoutIsTty) io.out(CLEAR);
    await print(io, views, samples, before, shown);
    if (once) return;
    before = byId(views, samples);
    await pause(shown.interval * 1000);
    views = choose();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function print(
  io: Io,
  views: readonly ContainerView[],
  samples: readonly UsageSample[],
  before: Before,
  shown: Shown,
): Promise<void> {
  const noTrunc = shown["no-trunc"];
  const rows = views.map(({ record }, index) =>
    statsRow({ record, sample: samples[index]!, before: before.get(record.id), noTrunc }),
  );
  return printFormatted(io, rows, {
    name: "stats",
    type: "containers.containerStats",
    format: shown.format,
    columns: ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDS", "UpTime", "AVGCPU"],
    headings: {
      CPUPerc: "CPU %",
      MemUsage: "MEM USAGE / LIMIT",
      MemUsageBytes: "MEM USAGE / LIMIT",
      MemPerc: "MEM %",
      NetIO: "NET IO",
      BlockIO: "BLOCK IO",
      UpTime: "CPU TIME",
      AVGCPU: "AVG CPU %",
    },
    noTrunc: shown["no-trunc"],
    json: statsJson,
  });
}
