/** --log-driver and --log-opt. */
import { join, resolve } from "node:path";
import { UsageError } from "../base/index.ts";
import { containerDir } from "../host/index.ts";
import type { Context, LogConfig } from "../state/index.ts";
import { parsePairs } from "./config-words.ts";
import type { CreateOptions } from "./create-options.ts";

export const LOG_DRIVERS: readonly string[] = [
  ...["k8s-file", "json-file", "none", "passthrough", "passthrough-tty", "journald"],
];
const DECIMAL: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15 };

/** Logs lie in the container's own directory unless a path is given. */
export function logConfig(ctx: Context, id: string, options: CreateOptions, cwd: string): LogConfig {
  const driver = options["log-driver"] || ctx.settings.logDriver;
  if (!LOG_DRIVERS.includes(driver)) {
    throw new UsageError(
      "invalid-log-driver",
      "running container create option: invalid log driver: invalid argument",
    );
  }
  const { path, "max-size": maxSize, tag, ...others } = parsePairs(options["log-opt"] ?? [], "log-opt");
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined && !["max-file", "label"].includes(unknown)) {
    throw new UsageError("invalid-log-opt", `invalid log option ${JSON.stringify(unknown)}`, {
      hint: "Options: path, max-size, tag.",
    });
  }
  const hasFile = driver === "k8s-file" || driver === "json-file";
  const own = join(
    ctx.settings.logPath || containerDir(ctx.paths, id),
    ctx.settings.logPath === "" ? "ctr.log" : `${id}.log`,
  );
  return {
    driver: driver as LogConfig["driver"],
    path: hasFile ? (path === undefined ? own : resolve(cwd, path)) : "",
    maxBytes: maxSize === undefined ? Math.max(0, ctx.settings.logSizeMax) : parseDecimalSize(maxSize),
    ...(tag === undefined && ctx.settings.logTag === "" ? {} : { tag: tag ?? ctx.settings.logTag }),
  };
}

/** Powers of 1000 here, unlike everywhere else. */
function parseDecimalSize(text: string): number {
  const match = /^(-?\d+(?:\.\d+)?) ?([kmgtp]?)b?$/i.exec(text);
  if (match === null)
    throw new UsageError("invalid-log-opt", `invalid log option max-size: invalid size: '${text}'`);
  return Math.max(0, Math.round(Number(match[1]) * DECIMAL[match[2]!.toLowerCase()]!));
}
