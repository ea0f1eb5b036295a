import { KelpError, NotFoundError, UsageError } from "../../../base/index.ts";
import {
  containerSizes,
  inspectContainer,
  presentContainers,
  resolveContainer,
  viewOf,
} from "../../../container/index.ts";
import { type Context, openContext } from "../../../state/index.ts";
import { defineCommand, type Io } from "../../command.ts";
import { reportFailure } from "../../exit.ts";
import { printJson } from "../../format.ts";
import { addAliases, inspectByType, markMaps } from "../../inspect-objects.ts";
import { LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["inspect"], ["container", "inspect"]],
  summary: "Display the configuration of containers, images and volumes",
  description:
    "A name is looked up among containers, then images, then volumes, unless --type says what it is.",
  usage: "[options] NAME [NAME...]",
  examples: [
    ["kelp inspect web", "All that is known of a container"],
    ["kelp inspect --format '{{.State.Pid}}' web", "One field of it"],
  ],
  options: {
    ...LATEST_OPTION,
    format: {
      kind: "string",
      short: "f",
      value: "FORMAT",
      text: "Print as json or by a Go template",
      completes: ["json"],
    },
    size: { kind: "boolean", short: "s", text: "Add the sizes of containers" },
    type: {
      kind: "string",
      short: "t",
      value: "TYPE",
      default: "all",
      text: "What the names are",
      completes: ["all", "container", "image", "volume"],
    },
  },
  args: { min: 1, checked: true, completes: "object" },
  async run({ io, args, options, path, globals }) {
    const ctx = await openContext(globals);
    const type = path[0] === "container" ? "container" : options.type;
    if (!["all", "container", "image", "volume"].includes(type)) {
      throw new UsageError(
        "invalid-type",
        `invalid type ${JSON.stringify(type)}: must be one of all, container, image, volume`,
      );
    }
    const names = options.latest ? latest(ctx, args) : args;
    if (names.length === 0) throw new UsageError("missing-name", "no containers or images specified");
    const found: unknown[] = [];
    const failures: KelpError[] = [];
    for (const name of names) {
      try {
        found.push(await inspectOne(ctx, name, type, options.size));
      } catch (error) {
        if (!(error instanceof KelpError)) throw error;
        failures.push(error);
      }
    }
    await print(io, found, options.format);
    let status = 0;
    for (const failure of failures) status = reportFailure(failure, io, false);
    return status;
  },
});

function latest(ctx: Context, args: readonly string[]): string[] {
  if (args.length > 0)
    throw new UsageError("conflicting-flags", "--latest and arguments cannot be used together");
  const record = presentContainers(ctx).at(-1);
  if (record === undefined) throw new NotFoundError("no-such-container", "no containers: no such container");
  return [record.id];
}

async function inspectOne(ctx: Context, name: string, type: string, size: boolean): Promise<unknown> {
  if (type === "all" || type === "container") {
    try {
      const record = resolveContainer(ctx, name);
      const sizes = size ? (await containerSizes(ctx, [record])).get(record.id) : undefined;
      return inspectContainer(
        ctx,
        viewOf(ctx, record),
        sizes === undefined ? {} : { sizeRw: sizes.own, sizeRootFs: sizes.total },
      );
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      if (type === "container") {
        throw new NotFoundError("no-such-container", `no such container ${JSON.stringify(name)}`);
      }
    }
  }
  return inspectByType(ctx, name, type);
}

async function print(io: Io, found: readonly unknown[], format: string | undefined): Promise<void> {
  if (format === undefined || format === "" || format === "json") {
    io.out(found.length === 0 ? "[]\n" : printJson(found));
    return;
  }
  if (found.length === 0) return;
  const { renderTemplate } = await import("../../template.ts");
  for (const value of found) {
    markMaps(value);
    addAliases(value);
    io.out(`${renderTemplate("inspect", format, value)}\n`);
  }
}
