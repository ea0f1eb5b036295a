/**
 * volume: directories that outlive containers. Owns their names, places and records.
 *
 * Must not know: containers (who uses a volume is asked by the caller), images, the network.
 */

export { inspectVolume, isEmptyVolume } from "./inspect.ts";
export { checkVolumeOptions, isElsewhere, type VolumeSource, volumeFiles, volumeSource } from "./options.ts";
export { type Reloaded, reloadVolumes, renameVolume } from "./places.ts";
export {
  type CreateVolume,
  checkVolumeName,
  createVolume,
  dropEmptyVolume,
  ensureVolume,
  newVolumeName,
  volumeDir,
  volumesDir,
} from "./store.ts";
