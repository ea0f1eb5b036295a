/** One volume in the shape `podman volume inspect` prints. */
import { readdirSync } from "node:fs";
import type { VolumeRecord } from "../state/index.ts";

export function inspectVolume(volume: VolumeRecord) {
  const isNew = isEmptyVolume(volume);
  return {
    Name: volume.name,
    Driver: volume.driver,
    Mountpoint: volume.mountpoint,
    CreatedAt: new Date(volume.created).toISOString(),
    Labels: volume.labels,
    Scope: "local",
    Options: volume.options,
    ...(volume.anonymous ? { Anonymous: true } : {}),
    MountCount: 0,
    NeedsCopyUp: isNew,
    NeedsChown: isNew,
    LockNumber: 0,
  };
}

/** Whether the next container that mounts it fills it with what its image has there. */
export function isEmptyVolume({ mountpoint }: Pick<VolumeRecord, "mountpoint">): boolean {
  try {
    return readdirSync(mountpoint).length === 0;
  } catch {
    // Owned by a user of a container: it has been used.
    return false;
  }
}
