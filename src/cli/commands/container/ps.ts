import { readlinkSync } from "node:fs";
import { UsageError } from "../../../base/index.ts";
import {
  type ContainerView,
  containerSizes,
  isRunning,
  ownContainers,
  presentContainers,
  viewOf,
} from "../../../container/index.ts";
import { type Context, openContext } from "../../../state/index.ts";
import { defineCommand, type Io, type OptionValues } from "../../command.ts";
import { type ContainerRow, containerJson, containerRow, type RowOptions } from "../../container-row.ts";
import { containerPredicate } from "../../containers.ts";
import { printFormatted } from "../../format.ts";
import {
  FILTER_OPTION,
  FORMAT_OPTION,
  HEADING_LONG_OPTION,
  NO_TRUNC_OPTION,
  QUIET_OPTION,
} from "../../options/listing.ts";

const OPTIONS = {
  ...FILTER_OPTION,
  ...FORMAT_OPTION,
  ...HEADING_LONG_OPTION,
  ...NO_TRUNC_OPTION,
  ...QUIET_OPTION,
  all: { kind: "boolean", short: "a", text: "Containers that do not run as well" },
  external: { kind: "boolean", text: "Show the containers in which builds run their steps, too" },
  last: {
    kind: "int",
    short: "n",
    value: "N",
    default: -1,
    text: "The last N containers made, whatever their state",
  },
  latest: { kind: "boolean", short: "l", text: "The container that was made last" },
  namespace: { kind: "boolean", aliases: ["ns"], text: "Show the namespaces" },
  pod: { kind: "boolean", short: "p", text: "Show the pods, of which there are none" },
  size: { kind: "boolean", short: "s", text: "Show the sizes" },
  sort: {
    kind: "string",
    value: "FIELD",
    default: "created",
    text: "Order by command, created, id, image, names, runningfor, size or status",
  },
  sync: { kind: "boolean", text: "Look at the processes; kelp always does" },
  watch: { kind: "int", short: "w", value: "SECONDS", text: "Show it again and again" },
} as const;

type Options = OptionValues<typeof OPTIONS>;

const COLUMNS = ["ID", "Image", "Command", "CreatedHuman", "Status", "Ports", "Names"] as const;
const NS_COLUMNS = ["ID", "Names", "Pid", "CGROUPNS", "IPC", "MNT", "NET", "PIDNS", "USERNS", "UTS"] as const;
const HEADINGS = {
  ID: "CONTAINER ID",
  CreatedHuman: "CREATED",
  RunningFor: "CREATED",
  ImageID: "IMAGE ID",
  CreatedAt: "CREATED AT",
  PodName: "POD NAME",
  Pod: "POD ID",
};

export default defineCommand({
  paths: [["ps"], ["container", "ps"], ["container", "ls"], ["container", "list"]],
  summary: "List containers",
  usage: "[options]",
  examples: [
    ["kelp ps --all", "List all containers, running or not"],
    ["kelp ps --filter status=exited --quiet", "The IDs of those that have ended"],
  ],
  options: OPTIONS,
  args: { min: 0, max: 0 },
  async run({ io, options, globals }) {
    if (options.latest && options.last >= 0)
      throw new UsageError("conflicting-flags", "last and latest are mutually exclusive");
    if (options.quiet && options.namespace)
      throw new UsageError("conflicting-flags", "quiet and namespace cannot be used together");
    const ctx = await openContext(globals);
    if (options.watch === undefined) {
      await show(ctx, io, options);
      return 0;
    }
    if (options.watch < 1)
      throw new UsageError("invalid-watch", "the watch interval must be at least one second");
    for (;;) {
      io.out("\u001b[H\u001b[2J");
      await show(ctx, io, options);
      await new Promise((resolve) => setTimeout(resolve, options.watch! * 1000));
    }
  },
});

async function show(ctx: Context, io: Io, options: Options): Promise<void> {
  const views = sorted(listed(ctx, options), options.sort);
  const sizes = options.size
    ? await containerSizes(
        ctx,
        views.map(({ record }) => record),
      )
    : undefined;
  const rowOptions: RowOptions = {
    noTrunc: options["no-trunc"],
    now: Date.now(),
    ...(sizes === undefined ? {} : { size: ({ record }: ContainerView) => sizes.get(record.id)! }),
    ...(options.namespace ? { namespaces: namespacesOf } : {}),
  };
  if (options.format === "json") {
    io.out(
      `${JSON.stringify(
        views.map((view) => containerJson(view, rowOptions)),
        null,
        4,
      )}\n`,
    );
    return;
  }
  const columns: (keyof ContainerRow & string)[] = options.namespace ? [...NS_COLUMNS] : [...COLUMNS];
  if (options.pod && !options.namespace) columns.push("Pod", "PodName");
  if (options.size && !options.namespace) columns.push("Size");
  await printFormatted(
    io,
    views.map((view) => containerRow(view, rowOptions)),
    {
      name: "ps",
      format: options.format,
      columns,
      headings: HEADINGS,
      noHeading: options.noheading,
      quiet: options.quiet ? "ID" : false,
      noTrunc: options["no-trunc"],
    },
  );
}

/** Running ones by default; a filter for a state, or a number, looks at all. */
function listed(ctx: Context, options: Options): ContainerView[] {
  const filter = containerPredicate(ctx, options.filter);
  const any =
    options.all ||
    options.latest ||
    options.last >= 0 ||
    options.filter.some((word) => /^(status|exited)=/.test(word));
  const records = options.external ? presentContainers(ctx) : ownContainers(ctx);
  const views = records
    .map((record) => viewOf(ctx, record))
    .filter((view) => (any || isRunning(view.status)) && (filter === undefined || filter(view)));
  const count = options.latest ? 1 : options.last;
  return count < 0 ? views : views.slice(Math.max(0, views.length - count));
}

type Key = (view: ContainerView) => string | number;

const SORT_KEYS: Readonly<Record<string, Key>> = {
  command: ({ record }) => [...record.config.entrypoint, ...record.config.command].join(" "),
  id: ({ record }) => record.id,
  image: ({ record }) => record.config.imageName,
  names: ({ record }) => record.name,
  runningfor: ({ status }) => status.startedAt ?? 0,
  status: ({ status }) => status.state,
  pod: () => "",
  size: () => 0,
};

/** The oldest first; other keys in rising order. */
function sorted(views: ContainerView[], field: string): ContainerView[] {
  if (field === "created" || field === "") return views;
  const key = SORT_KEYS[field.toLowerCase()];
  if (key === undefined) {
    throw new UsageError(
      "invalid-sort",
      `invalid sort option ${JSON.stringify(field)}, valid choices: command, created, id, image, names, runningfor, size, status`,
    );
  }
  return views.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

function namespacesOf({ status }: ContainerView): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]) {
    try {
      found[name] = /\[(\d+)\]/.exec(readlinkSync(`/proc/${status.pid}/ns/${name}`))?.[1] ?? "";
    } catch {
      found[name] = "";
    }
  }
  return found;
}
