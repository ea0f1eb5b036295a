/** --log-driver and --log-opt. */
import { join, resolve } from "node:path";
import { HostError, log, UsageError } from "../base/index.ts";
import { containerDir } from "../host/index.ts";
import { type Context, hasJournal, type LogConfig } from "../state/index.ts";
import { parsePairs } from "./config-words.ts";
import type { CreateOptions } from "./create-options.ts";

export const LOG_DRIVERS = [
  "k8s-file",
  "json-file",
  "none",
  "passthrough",
  "passthrough-tty",
  "journald",
] as const;
const DECIMAL: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15 };

/** Logs lie in the container's own directory unless a path is given. */
export function logConfig(ctx: Context, id: string, options: CreateOptions, cwd: string): LogConfig {
  const driver = chooseDriver(options["log-driver"] ?? "", ctx.settings.logDriver);
  const given = options["log-opt"] ?? [];
  const {
    path,
    "max-size": maxSize,
    "max-file": maxFiles,
    tag = ctx.settings.logTag,
    label,
    ...others
  } = parsePairs(given, "log-opt");
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined)
    throw invalid(
      `invalid log option ${JSON.stringify(unknown)}`,
      "Options: path, max-size, max-file, tag, label.",
    );
  if (label !== undefined && driver !== "journald")
    throw invalid("the log option label is for journald: a file has no room for it");
  const hasFile = driver === "k8s-file" || driver === "json-file";
  const own = join(
    ctx.settings.logPath || containerDir(ctx.paths, id),
    ctx.settings.logPath === "" ? "ctr.log" : `${id}.log`,
  );
  return {
    driver,
    path: hasFile ? (path === undefined ? own : resolve(cwd, path)) : "",
    maxBytes: maxSize === undefined ? Math.max(0, ctx.settings.logSizeMax) : parseDecimalSize(maxSize),
    ...(maxFiles === undefined ? {} : { maxFiles: parseFiles(maxFiles) }),
    ...(tag === "" ? {} : { tag: plain("tag", tag) }),
    ...(label === undefined ? {} : { labels: journalLabels(given) }),
  };
}

function invalid(message: string, hint?: string): UsageError {
  return new UsageError("invalid-log-opt", message, hint === undefined ? {} : { hint });
}

/** Where the journal was not asked for but is the default, a file does as well. */
function chooseDriver(asked: string, usual: string): LogConfig["driver"] {
  const driver = LOG_DRIVERS.find((known) => known === (asked || usual));
  if (driver === undefined) {
    throw new UsageError(
      "invalid-log-driver",
      "running container create option: invalid log driver: invalid argument",
    );
  }
  if (driver !== "journald" || hasJournal()) return driver;
  if (asked !== "") {
    throw new HostError("no-journal", "cannot log to journald: there is no journal on this machine", {
      hint: "--log-driver k8s-file keeps the log in a file",
    });
  }
  log.warn("there is no journal on this machine: the log is kept in a file (log_driver is journald)");
  return "k8s-file";
}

function parseFiles(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw invalid(`invalid log option max-file: ${JSON.stringify(text)} is no number from 1 to 99`);
}

function plain(option: string, text: string): string {
  if (!text.includes("{{")) return text;
  throw invalid(`the log option ${option} cannot be a template: ${text}`, "Write the name itself.");
}

/** `NAME=value`, each a field; journald takes names of capitals, digits and underscores that begin with a letter. */
function journalLabels(given: readonly string[]): Record<string, string> {
  const labels = given.filter((word) => word.startsWith("label=")).map((word) => word.slice("label=".length));
  for (const label of labels)
    if (!/^[A-Z][A-Z0-9_]{0,63}=./.test(plain("label", label)))
      throw invalid(
        `invalid log option label: ${JSON.stringify(label)} is not NAME=value with a field's name of journald's`,
      );
  return parsePairs(labels, "log-opt label");
}

/** Powers of 1000 here, unlike everywhere else. */
function parseDecimalSize(text: string): number {
  const match = /^(-?\d+(?:\.\d+)?) ?([kmgtp]?)b?$/i.exec(text);
  if (match === null)
    throw new UsageError("invalid-log-opt", `invalid log option max-size: invalid size: '${text}'`);
  return Math.max(0, Math.round(Number(match[1]) * DECIMAL[match[2]!.toLowerCase()]!));
}
