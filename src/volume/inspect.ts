/** One volume in the shape `podman volume inspect` prints. */
import type { VolumeRecord } from "../state/index.ts";

export function inspectVolume(volume: VolumeRecord) {
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
    NeedsCopyUp: true,
    LockNumber: 0,
  };
}
