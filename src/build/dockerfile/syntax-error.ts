/** Mistakes in a Dockerfile: where they are, and the line as it stands there. */
import { UsageError } from "../../base/index.ts";

/** A place in a file; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The file an error is shown in. */
export interface SourceFile {
  readonly name: string;
  readonly lines: readonly string[];
}

const MAX_SHOWN = 160;

/** `FILE:LINE:COLUMN: reason`, and beneath it the line with a mark under the column. */
export function syntaxError(file: SourceFile, at: Position, reason: string, hint?: string): UsageError {
  const text = `cannot build: ${file.name}:${at.line}:${at.column}: ${reason}${showLine(file, at)}`;
  return new UsageError("dockerfile-invalid", text, hint === undefined ? {} : { hint });
}

/** The line as it stands there, beneath a message. */
export function showLine(file: SourceFile, at: Position): string {
  const line = file.lines[at.line - 1]?.replace(/\/\/[^/@\s]*@/g, "//");
  if (line === undefined || line.trim() === "") return "";
  // A link to a private file or a binary must not be printed whole into somebody's log.
  const shown = line
    .replaceAll("\t", " ")
    .replace(/[^\x20-\x7e\u00a0-\uffff]/g, "?")
    .slice(0, MAX_SHOWN);
  const gutter = String(at.line);
  const mark =
    at.column <= shown.length ? `\n${" ".repeat(gutter.length)} | ${" ".repeat(at.column - 1)}^` : "";
  return `\n${gutter} | ${shown}${mark}`;
}
