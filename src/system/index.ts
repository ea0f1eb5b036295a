/**
 * system: the store as a whole. Owns what it takes of the disk, what of it nobody needs, whether it is sound, and its end.
 *
 * Must not know: the terminal, how a container is started, how an image is fetched.
 */
export { type CheckOptions, checkStore, type Finding } from "./check.ts";
export { type PruneOptions, type PruneReport, pruneStore } from "./prune.ts";
export { resetStore } from "./reset.ts";
export {
  type ContainerUsage,
  diskUsage,
  type ImageUsage,
  type StoreUsage,
  type VolumeUsage,
} from "./usage.ts";
