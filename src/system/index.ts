/**
 * system: the store as a whole, and the machine beneath it. Owns what the store takes of the disk, what of it nobody needs,
 * whether it is sound, and its end; what the machine lacks (doctor); what starts at boot; podman's
 * store, taken over.
 *
 * Must not know: the terminal, how a container is started, how an image is fetched.
 */
export { type BootStatus, bootStatus, bootUnit, disableBoot, enableBoot } from "./boot.ts";
export { type CheckOptions, checkStore, type Finding } from "./check.ts";
export { type Diagnosis, DOCTOR_CHECKS, examine, isWell } from "./doctor/doctor.ts";
export {
  type PodmanContainer,
  type PodmanRecords,
  type PodmanVolume,
  readRecords,
} from "./podman/database.ts";
export { type PodmanNetwork, readNetworks } from "./podman/networks.ts";
export { openPodmanStore, type PodmanImage, type PodmanStore } from "./podman/store.ts";
export { takeOverImage, takeOverVolume, withScratch } from "./podman/take-over.ts";
export { type PruneOptions, type PruneReport, pruneStore } from "./prune.ts";
export { resetStore } from "./reset.ts";
export {
  type ContainerUsage,
  diskUsage,
  type ImageUsage,
  type StoreUsage,
  type Total,
  type VolumeUsage,
} from "./usage.ts";
