/** Flags of create and run about what the container's files are. */
import type { OptionTable } from "../command.ts";

export const FILE_OPTIONS = {
  chrootdirs: {
    kind: "list",
    comma: true,
    value: "DIR",
    text: "Directories inside that are roots of their own",
    unsupported: "its bind mounts of /etc files into further roots do not exist here",
  },
  device: {
    kind: "list",
    comma: true,
    value: "HOST[:INSIDE[:rwm]]",
    text: "Make a device of the host available",
    completes: "file",
  },
  gpus: {
    kind: "list",
    value: "GPU",
    text: "Make GPUs available",
    unsupported: "kelp does not read CDI files",
  },
  "image-volume": {
    kind: "string",
    value: "MODE",
    text: "What becomes of the image's volumes",
    setting: "imageVolumeMode",
    completes: ["anonymous", "bind", "tmpfs", "ignore"],
  },
  mount: {
    kind: "list",
    value: "type=TYPE,…",
    text: "Mount something into the container: bind, tmpfs, volume, image, glob, devpts",
  },
  "read-only": { kind: "boolean", text: "Make the root filesystem read-only" },
  "read-only-tmpfs": {
    kind: "boolean",
    default: true,
    text: "With --read-only, keep /run, /tmp and /var/tmp writable",
  },
  rootfs: { kind: "boolean", text: "The first argument is a directory, not an image; :O keeps it unchanged" },
  secret: {
    kind: "list",
    value: "SECRET[,OPTION…]",
    text: "Give the container a secret",
    completes: "secret",
  },
  "shm-size": { kind: "bytes", value: "SIZE", text: "Size of /dev/shm" },
  "shm-size-systemd": {
    kind: "bytes",
    value: "SIZE",
    text: "Size of what systemd gets at /run, /run/lock, /tmp and /var/log/journal; 0: half of the memory",
  },
  tmpfs: { kind: "list", value: "DIR[:OPTIONS]", text: "Mount a temporary filesystem" },
  volume: {
    kind: "list",
    short: "v",
    value: "[SOURCE:]DIR[:OPTIONS]",
    text: "Mount a volume or a directory of the host",
    completes: "volume-source",
  },
  "volumes-from": {
    kind: "list",
    value: "CONTAINER[:OPTIONS]",
    text: "Mount what another container has mounted",
    completes: "container",
  },
} as const satisfies OptionTable;
