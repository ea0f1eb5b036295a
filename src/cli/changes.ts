/** Prints what `diff` found. */
import { escapeControl, escapeJson, UsageError } from "../base/index.ts";
import type { ChangeKind, TreeChange } from "../storage/index.ts";
import type { Io } from "./command.ts";

const FIELDS: readonly (readonly [ChangeKind, string])[] = [
  ["C", "changed"],
  ["A", "added"],
  ["D", "deleted"],
];

/** @throws {UsageError} for any format but json */
export function printChanges(io: Io, changes: readonly TreeChange[], format: string | undefined): void {
  const lines = changes.map(({ kind, path }) => ({
    kind,
    path: Buffer.from(path, "latin1").toString("utf8"),
  }));
  if (format === undefined || format === "") {
    io.out(lines.map(({ kind, path }) => `${kind} ${escapeControl(path)}\n`).join(""));
    return;
  }
  if (format !== "json")
    throw new UsageError("invalid-format", `only supported value for '--format' is 'json'`);
  const report = FIELDS.flatMap(([kind, field]) => {
    const paths = lines.filter((line) => line.kind === kind).map(({ path }) => path);
    return paths.length === 0 ? [] : [[field, paths] as const];
  });
  io.out(`${escapeJson(JSON.stringify(Object.fromEntries(report), null, 2))}\n`);
}
