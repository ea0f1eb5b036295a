/**
 * build: from a Dockerfile and a context to an image. Owns the language, the graph of stages, the steps and their cache.
 *
 * Must not know: the terminal, how arguments are parsed, how layers are kept.
 */
export { buildImage } from "./build.ts";
export { BUILD_JOBS } from "./jobs.ts";
export { type BuildOutput, parseOutput } from "./output.ts";
export {
  buildCacheUsage,
  type CachedStep,
  type CacheUsage,
  listBuildCache,
  type PruneRequest,
  pruneBuildCache,
} from "./prune.ts";
export type { BuildRequest, BuildResult, Reporter, StepTitle } from "./types.ts";
