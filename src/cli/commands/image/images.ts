import { UsageError } from "../../../base/index.ts";
import { byName, findImage, type ImageSummary, listImages, tryFindImage } from "../../../image/index.ts";
import { type Context, openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { printFormatted } from "../../format.ts";
import { imageFilter } from "../../image-filters.ts";
import { imageJson, imageRow } from "../../image-rows.ts";
import {
  FORMAT_OPTION,
  filterOn,
  HEADING_OPTION,
  NO_TRUNC_OPTION,
  QUIET_OPTION,
} from "../../options/listing.ts";

const SORTS = ["created", "id", "repository", "size", "tag"] as const;

export default defineCommand({
  paths: [["images"], ["image", "list"], ["image", "ls"]],
  summary: "List images",
  usage: "[options] [IMAGE]",
  examples: [
    ["kelp images --filter dangling=true -q", "The IDs of images without a name"],
    ["kelp images --format '{{.Repository}}:{{.Tag}} {{.Size}}'", "Choose the columns"],
  ],
  options: {
    all: { kind: "boolean", short: "a", text: "Show intermediate images too" },
    digests: { kind: "boolean", text: "Show digests" },
    ...filterOn("images"),
    ...FORMAT_OPTION,
    history: { kind: "boolean", text: "Show the names an image has and had" },
    ...HEADING_OPTION,
    ...NO_TRUNC_OPTION,
    ...QUIET_OPTION,
    sort: {
      kind: "string",
      value: "FIELD",
      default: "created",
      text: `Order by ${SORTS.join(", ")}`,
      completes: SORTS,
    },
  },
  args: { min: 0, max: 1, completes: "image" },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(globals);
    if (options.filter.length > 0 && args.length > 0) {
      throw new UsageError("arguments-conflict", "cannot specify an image and a filter(s)");
    }
    const order = sorter(options.sort);
    const rows = select(ctx, args[0], options.filter, options.all).toSorted(order);
    const columns = [
      "Repository",
      "Tag",
      ...(options.digests ? ["Digest"] : []),
      "ID",
      "Created",
      "Size",
      ...(options.history ? ["History"] : []),
    ];
    const view = { whole: options["no-trunc"], now: Date.now() };
    const unique = options.quiet && options.format === undefined ? onePerImage(rows) : rows;
    await printFormatted(
      io,
      options.format === "json"
        ? onePerImage(rows).map((row) => imageRow(row, view))
        : unique.map((row) => imageRow(row, view)),
      {
        name: "images",
        format: options.format,
        columns: columns as (keyof ReturnType<typeof imageRow>)[],
        headings: { ID: "IMAGE ID", CreatedSince: "CREATED", CreatedAt: "CREATED AT", ReadOnly: "R/O" },
        noHeading: options.noheading,
        quiet: options.quiet && "ID",
        noTrunc: options["no-trunc"],
        json: (row) => imageJson(row.summary()),
      },
    );
    return 0;
  },
});

function select(
  ctx: Context,
  name: string | undefined,
  filters: readonly string[],
  all: boolean,
): ImageSummary[] {
  const images = listImages(ctx);
  const matches = imageFilter(ctx, filters);
  const listed = images.filter(
    (image) => matches(image) && (all || !image.intermediate || filters.length > 0),
  );
  if (name === undefined) return listed.flatMap(byName);
  const found = tryFindImage(ctx, name);
  if (found !== undefined) {
    const rows = listed.filter(({ record }) => record.id === found.record.id).flatMap(byName);
    return found.name === undefined
      ? rows
      : rows.filter((row) => `${row.repository}:${row.tag}` === found.name);
  }
  return byRepository(ctx, listed.flatMap(byName), name);
}

/** A name without tag lists every tag of it. @throws {NotFoundError} if there is none */
function byRepository(ctx: Context, rows: readonly ImageSummary[], name: string): ImageSummary[] {
  const found = rows.filter(({ repository }) => repository === name || repository?.endsWith(`/${name}`));
  if (found.length === 0) findImage(ctx, name);
  return found;
}

function onePerImage(rows: readonly ImageSummary[]): ImageSummary[] {
  return [...new Map(rows.map((row) => [row.record.id, row])).values()];
}

type Order = (a: ImageSummary, b: ImageSummary) => number;

const full = (row: ImageSummary) => `${row.repository ?? "<none>"}:${row.tag ?? "<none>"}`;
const text = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const ORDERS: Readonly<Record<(typeof SORTS)[number], Order>> = {
  created: (a, b) => b.record.created - a.record.created,
  id: (a, b) => text(a.record.id, b.record.id),
  repository: (a, b) => text(full(a), full(b)),
  size: (a, b) => a.record.size - b.record.size,
  tag: (a, b) => text(a.tag ?? "<none>", b.tag ?? "<none>"),
};

function sorter(field: string): Order {
  const order = ORDERS[field as (typeof SORTS)[number]];
  if (Object.hasOwn(ORDERS, field) && order !== undefined) return order;
  throw new UsageError(
    "sort-invalid",
    `${JSON.stringify(field)} is not a valid field for sorting. Choose from: ${SORTS.join(", ")}`,
  );
}
