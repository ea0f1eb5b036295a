/** The environment kelp was started with, for those who pass parts of it on (`--env NAME`, proxies). */
import type { Environment } from "../host/index.ts";

/** Read at call time; nobody else touches `process.env`. */
export function hostEnvironment(): Environment {
  return process.env;
}

/** Carries out engine.env: as with podman, what the configuration says wins over what was inherited. */
export function applyEngineEnv(lines: readonly string[]): void {
  for (const line of lines) {
    const equals = line.indexOf("=");
    if (equals > 0) process.env[line.slice(0, equals)] = line.slice(equals + 1);
  }
}
