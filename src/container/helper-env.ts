/** The environment of kelp's own helpers: fixed words, nothing of the caller's. */
import { homedir } from "node:os";
import { dirname } from "node:path";
import type { Context } from "../state/index.ts";

/** What `kelp __failed` needs to find the same store. */
export function helperEnvironment({ paths }: Pick<Context, "paths">): string[] {
  return [
    `HOME=${homedir()}`,
    "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    `XDG_CONFIG_HOME=${dirname(paths.config)}`,
    `XDG_CACHE_HOME=${dirname(paths.cache)}`,
    `XDG_RUNTIME_DIR=${dirname(paths.runtime)}`,
  ];
}
