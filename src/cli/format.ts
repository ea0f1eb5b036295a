/**
 * Prints what a command found: a table by default, `--format json`, or `--format TEMPLATE`
 * (Go's text/template, with podman's `table` mode). Templates are loaded only when asked for.
 */
import { escapeControl, escapeJson } from "../base/index.ts";
import type { Io } from "./command.ts";
import { alignColumns, headingOf } from "./table.ts";

export interface ListFormat<Row extends object> {
  /** Name of the command: what Go's error messages call the template. */
  readonly name: string;
  /** Go's name of the row's type for `can't evaluate field X in type …`. */
  readonly type?: string;
  /** The user's --format: empty or absent is the default table. */
  readonly format?: string | undefined;
  /** Fields of the default table, in order. */
  readonly columns: readonly (keyof Row & string)[];
  /** Headings that are not simply the field's words in capitals (`{ ID: "CONTAINER ID" }`). */
  readonly headings?: Readonly<Record<string, string>>;
  readonly noHeading?: boolean | undefined;
  /** Print only this field of every row (`--quiet`). */
  readonly quiet?: (keyof Row & string) | false | undefined;
  /** --no-trunc: lines may be longer than the terminal is wide. */
  readonly noTrunc?: boolean | undefined;
  /** What `--format json` prints for a row; the row itself where absent. */
  readonly json?: (row: Row) => unknown;
}

/** Half of these still says something; of a port, a state or an ID it does not, so that those lines rather wrap. */
const ELASTIC = new Set([
  ...["Repository", "Image", "Command", "CreatedBy", "Comment", "Description", "Labels", "Mounts"],
  ...["Networks", "Path", "Value"],
]);

/**
 * Prints rows of a listing. A row's fields are podman's template fields (strings for the table);
 * functions are called as Go methods; `goMap` of template.ts marks objects that are maps.
 */
export async function printFormatted<Row extends object>(
  io: Io,
  rows: readonly Row[],
  request: ListFormat<Row>,
): Promise<void> {
  const format = request.format ?? "";
  if (format === "json") return io.out(printJson(rows.map((row) => request.json?.(row) ?? row)));
  if (request.quiet !== undefined && request.quiet !== false && format === "") {
    const field = request.quiet;
    return io.out(rows.map((row) => `${cellText(row, field)}\n`).join(""));
  }
  if (format === "" || format === "table") return io.out(defaultTable(io, rows, request));
  const { renderList } = await import("./template.ts");
  const table = renderList(format, rows, request);
  io.out(typeof table === "string" ? table : alignColumns(table.cells));
}

/** Prints one object by a template or as JSON (`info`, `version`, `inspect`); `json` also for an empty format. */
export async function printObject(
  io: Io,
  value: unknown,
  request: { readonly name: string; readonly type?: string; readonly format?: string | undefined },
): Promise<void> {
  const format = request.format ?? "";
  if (format === "" || format === "json") return io.out(printJson(value));
  const { renderList } = await import("./template.ts");
  const text = renderList(format, [value as object], { ...request, noHeading: true });
  io.out(typeof text === "string" ? text : alignColumns(text.cells));
}

/** JSON as podman prints it: four spaces, a newline at the end. */
export function printJson(value: unknown): string {
  return `${escapeJson(JSON.stringify(value, null, 4))}\n`;
}

function defaultTable<Row extends object>(io: Io, rows: readonly Row[], request: ListFormat<Row>): string {
  const { columns } = request;
  const cells = rows.map((row) => columns.map((field) => cellText(row, field)));
  if (request.noHeading !== true) {
    cells.unshift(columns.map((field) => request.headings?.[field] ?? headingOf(field)));
  }
  const isCut = io.stdoutIsTty && request.noTrunc !== true;
  const elastic = columns.map((field) => ELASTIC.has(field));
  return alignColumns(cells, isCut ? { maxWidth: io.columns, elastic } : {});
}

function cellText(row: object, field: string): string {
  const value = (row as Record<string, unknown>)[field];
  const called = typeof value === "function" ? value.call(row) : value;
  return escapeControl(String(called ?? ""));
}
