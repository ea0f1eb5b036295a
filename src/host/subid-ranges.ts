/** The arithmetic of /etc/subuid and /etc/subgid: pure, because whoever edits those files makes every mistake there is. */

/** `size` ids from `container` on appear as those from `host` on outside. */
export interface IdRange {
  readonly container: number;
  readonly host: number;
  readonly size: number;
}

/** Ids from `start` up to but not including `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface SubidLine extends Span {
  /** A user's name or decimal uid. */
  readonly owner: string;
}

/** One more than the highest id: (uid_t)-1 means "no id". */
const ID_END = 4294967295;
/** The kernel takes 340 lines a map; one is the user. */
const MAX_RANGES = 339;

/** Lines `owner:start:count`; what is no such line is skipped, as shadow's own tools skip it. */
export function parseSubids(text: string): SubidLine[] {
  const lines: SubidLine[] = [];
  for (const line of text.split("\n")) {
    const match = /^([^:#\s][^:]*):(\d{1,10}):(\d{1,10})\s*$/.exec(line);
    if (match === null) continue;
    const start = Number(match[2]);
    const count = Number(match[3]);
    if (count === 0 || start >= ID_END) continue;
    lines.push({ owner: match[1] as string, start, end: Math.min(start + count, ID_END) });
  }
  return lines;
}

/**
 * What the owner may use: their lines in the file's order, without host id 0, without
 * `self` (mapped already) and without ids that somebody else's line claims, too: through
 * those two users could reach each other's files.
 */
export function grantedSpans(lines: readonly SubidLine[], owners: readonly string[], self: number): Span[] {
  const isOurs = (line: SubidLine) => owners.includes(line.owner);
  const taken: Span[] = [
    { start: 0, end: 1 },
    { start: self, end: self + 1 },
    ...lines.filter((line) => !isOurs(line)),
  ];
  const foreign = mergeSpans(taken);
  const granted: Span[] = [];
  for (const line of lines.filter(isOurs))
    granted.push(...subtract(line, mergeSpans([...foreign, ...granted])));
  return granted.slice(0, MAX_RANGES);
}

/** Sorted, without overlaps. */
function mergeSpans(spans: readonly Span[]): Span[] {
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

/** What is left of a span without the others (sorted, disjoint). */
function subtract(span: Span, others: readonly Span[]): Span[] {
  const left: Span[] = [];
  let { start } = span;
  for (const other of others) {
    if (other.end <= start || other.start >= span.end) continue;
    if (other.start > start) left.push({ start, end: other.start });
    start = other.end;
  }
  if (start < span.end) left.push({ start, end: span.end });
  return left;
}

/** Container id 0 is the user, the ids from 1 on are the granted ones, without a gap. */
export function toIdMap(self: number, spans: readonly Span[]): IdRange[] {
  const map: IdRange[] = [{ container: 0, host: self, size: 1 }];
  let container = 1;
  for (const { start, end } of spans) {
    map.push({ container, host: start, size: end - start });
    container += end - start;
  }
  return map;
}

/** A span of `size` ids from `from` on that no line claims, for root, who may take any. */
export function unclaimedSpan(lines: readonly Span[], from: number, size: number): Span {
  let start = from;
  for (const line of mergeSpans(lines)) {
    if (line.start < start + size && line.end > start) start = line.end;
  }
  return { start, end: start + size };
}
