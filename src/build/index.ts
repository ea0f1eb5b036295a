/**
 * build: from a Dockerfile and a context to an image. Owns the language, the graph of stages, the steps and their cache.
 *
 * Must not know: the terminal, how arguments are parsed, how layers are kept.
 */
export { buildImage } from "./build.ts";
export { BUILD_JOBS } from "./jobs.ts";
export { parseOutput } from "./output.ts";
export {
  buildCacheUsage,
  type CacheUsage,
  pruneBuildCache,
} from "./prune.ts";
export type { BuildRequest, BuildResult, Reporter, StepTitle } from "./types.ts";
