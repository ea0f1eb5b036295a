import { log, parseTime, parseUntil, ReaderGoneError, UsageError } from "../../../base/index.ts";
import {
  containerLog,
  followContainerLog,
  type LogEntry,
  type LogQuery,
  logLoss,
  refuseUnreadable,
  type Target,
} from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand, type Io } from "../../command.ts";
import { chooseContainers } from "../../containers.ts";
import { LATEST_OPTION } from "../../options/listing.ts";
import { stdoutReader } from "../../reader.ts";

const COLORS = [37, 31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96];

export default defineCommand({
  paths: [["logs"], ["container", "logs"]],
  summary: "Fetch the logs of one or more containers",
  usage: "[options] CONTAINER [CONTAINER...]",
  examples: [
    ["kelp logs --tail 20 --follow web", "See the last lines and what comes"],
    ["kelp logs --since 10m web", "See what was written in the last ten minutes"],
  ],
  options: {
    ...LATEST_OPTION,
    color: { kind: "boolean", text: "With several containers, give each a colour" },
    details: { kind: "boolean", hidden: true, text: "Has no effect; docker has it" },
    follow: { kind: "boolean", short: "f", text: "Go on until the container ends" },
    names: { kind: "boolean", short: "n", text: "With several containers, print names instead of IDs" },
    since: { kind: "string", value: "TIME", text: "Only what was written since then" },
    tail: { kind: "int", value: "N", default: -1, text: "Only the last lines; -1 is all" },
    timestamps: { kind: "boolean", short: "t", text: "Print the time of every line" },
    until: { kind: "string", value: "TIME", text: "Only what was written before then; 10m: in ten minutes" },
  },
  args: { min: 1, checked: true, completes: "container" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    if (args.length > 0 && options.latest)
      throw new UsageError("conflicting-flags", "--latest and containers cannot be used together");
    const { targets, failures } = chooseContainers(ctx, args, { latest: options.latest });
    if (failures[0] !== undefined) throw failures[0];
    const query = readQuery(options);
    for (const { record } of targets) refuseUnreadable(ctx, record);
    const several = targets.length > 1;
    const isRead = options.follow ? await stdoutReader() : () => true;
    const show = targets.map((target, index) =>
      printer(io, options.timestamps, several ? prefix(target, index, options) : ""),
    );
    const print = async ({ record }: Target, index: number) => {
      const entries = options.follow
        ? followContainerLog(ctx, record, query, isRead)
        : containerLog(ctx, record, query);
      for await (const entry of entries) show[index]!(entry);
      const loss = logLoss(ctx, record);
      if (loss !== undefined)
        log.warn(`the log of ${record.name} lacks some of its output, which could not be written: ${loss}`);
    };
    if (options.follow) await Promise.all(targets.map(print));
    else for (const [index, target] of targets.entries()) await print(target, index);
    if (!isRead()) throw new ReaderGoneError();
    return 0;
  },
});

function readQuery(options: {
  readonly tail: number;
  readonly since: string | undefined;
  readonly until: string | undefined;
}): LogQuery {
  return {
    ...(options.tail < 0 ? {} : { tail: options.tail }),
    ...(options.since ? { since: parseTime(options.since) } : {}),
    ...(options.until ? { until: parseUntil(options.until) } : {}),
  };
}

function prefix(
  { record }: Target,
  index: number,
  options: { readonly names: boolean; readonly color: boolean },
): string {
  const label = options.names ? record.name : record.id.slice(0, 12);
  return options.color ? `\u001b[${COLORS[index % COLORS.length]}m${label}\u001b[0m ` : `${label} `;
}

/** A partial entry is continued by the next one, so only the first of a line is headed and only the last ends it. */
function printer(io: Io, timestamps: boolean, label: string): (entry: LogEntry) => void {
  let inLine = false;
  return (entry) => {
    const head = inLine ? "" : label + (timestamps ? `${entry.time} ` : "");
    inLine = entry.partial;
    const bytes = Buffer.concat([Buffer.from(head), entry.text, Buffer.from(entry.partial ? "" : "\n")]);
    if (entry.stream === "stdout") io.write(bytes);
    else io.err(bytes.toString());
  };
}
