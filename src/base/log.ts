/** Diagnostics for `--log-level`. Nothing is written until cli says where to. */
import { escapeControl } from "./text.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "panic"] as const;
export type LogLevel = (typeof LEVELS)[number];

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

type Sink = (line: string) => void;

let threshold = LEVELS.indexOf("warn");
let sink: Sink | undefined;

/** The level a word names (`warning` and upper case are accepted), or undefined. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const word = text.toLowerCase() === "warning" ? "warn" : text.toLowerCase();
  return LEVELS.find((level) => level === word);
}

/** Sends lines of this level and above to `write`, each with its newline. */
export function startLog(level: LogLevel, write: Sink): void {
  threshold = LEVELS.indexOf(level);
  sink = write;
}

/** Whether a line of this level would be written: ask before computing something expensive for it. */
export function logs(level: LogLevel): boolean {
  return sink !== undefined && LEVELS.indexOf(level) >= threshold;
}

function write(level: LogLevel, message: string, fields: LogFields): void {
  if (!logs(level)) return;
  const extra = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${quoteField(String(value))}`);
  const shown = level === "warn" ? "warning" : level;
  sink?.(`time="${new Date().toISOString()}" level=${shown} msg=${quote(message)}${extra.join("")}\n`);
}

function quoteField(value: string): string {
  return /^[\w./:@+-]+$/.test(value) ? value : quote(value);
}

function quote(value: string): string {
  return `"${escapeControl(value.replace(/["\\]/g, "\\$&"))}"`;
}

/** One function a level; callers redact what may hold secrets. */
export const log = {
  trace: (message: string, fields: LogFields = {}) => write("trace", message, fields),
  debug: (message: string, fields: LogFields = {}) => write("debug", message, fields),
  info: (message: string, fields: LogFields = {}) => write("info", message, fields),
  warn: (message: string, fields: LogFields = {}) => write("warn", message, fields),
  error: (message: string, fields: LogFields = {}) => write("error", message, fields),
};
