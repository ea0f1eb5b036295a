/** Columns of text as podman's tables align them: two spaces apart, the last one not padded on the right. */
import { displayWidth } from "./width.ts";

export interface TableOptions {
  /** Cut cells with an ellipsis so that lines fit, as far as that goes; absent: as wide as it takes. */
  readonly maxWidth?: number;
  /** The columns that may be cut, by their place; all where absent. */
  readonly elastic?: readonly boolean[];
  /** Spaces between columns. */
  readonly gap?: number;
}

/** No column is cut below this: something to recognise it by must stay. */
const NARROWEST = 12;

/** Lines of equal columns, each ended by a newline; the heading is simply the first row. */
export function alignColumns(rows: readonly (readonly string[])[], options: TableOptions = {}): string {
  const gap = options.gap ?? 2;
  const natural: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      natural[index] = Math.max(natural[index] ?? 0, displayWidth(cell));
    }
  }
  const widths =
    options.maxWidth === undefined ? natural : shrink(natural, options.maxWidth, gap, options.elastic);
  let text = "";
  for (const row of rows) {
    let line = "";
    for (const [index, cell] of row.entries()) {
      const width = widths[index] as number;
      const shown = cut(cell, width);
      line += index === row.length - 1 ? shown : shown + " ".repeat(width - displayWidth(shown) + gap);
    }
    text += `${line}\n`;
  }
  return text;
}

function shrink(
  natural: readonly number[],
  maxWidth: number,
  gap: number,
  elastic: readonly boolean[] | undefined,
): number[] {
  const widths = [...natural];
  const mayGive = (width: number, index: number) => width > NARROWEST && elastic?.[index] !== false;
  let over = widths.reduce((sum, width) => sum + width + gap, -gap) - maxWidth;
  for (; over > 0; over--) {
    const widest = Math.max(...widths.filter(mayGive));
    const index = widths.findIndex((width, at) => width === widest && mayGive(width, at));
    if (index < 0) break;
    widths[index] = widest - 1;
  }
  return widths;
}

function cut(cell: string, width: number): string {
  if (displayWidth(cell) <= width) return cell;
  let shown = "";
  for (const character of cell) {
    if (displayWidth(shown + character) > width - 1) break;
    shown += character;
  }
  return `${shown}…`;
}

/** `RunningFor` → `RUNNING FOR`, `ID` → `ID`: podman's heading for a field without one of its own. */
export function headingOf(field: string): string {
  return field.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toUpperCase();
}
