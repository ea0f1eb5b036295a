/** The environment kelp was started with, for those who pass parts of it on (`--env NAME`, proxies). */
import type { Environment } from "../host/index.ts";

/** Read at call time; nobody else touches `process.env`. */
export function hostEnvironment(): Environment {
  return process.env;
}
