/**
 * Options of a local volume (`volume create --opt`), in podman's words: `type`, `device` and `o` say what is mounted where the
 * volume is used, instead of a directory of its own.
 */
import { existsSync, statSync } from "node:fs";
import { HostError, UsageError } from "../base/index.ts";
import type { VolumeRecord } from "../state/index.ts";

export type VolumeOptions = Readonly<Record<string, string>>;

/** What a container mounts for a volume. */
export interface VolumeSource {
  readonly type: "bind" | "tmpfs";
  /** Of the machine; empty for a tmpfs. */
  readonly path: string;
  /** Further words for the mount. */
  readonly options: readonly string[];
}

const KEYS = new Set(["type", "device", "o", "copy", "nocopy"]);

/**
 * @throws {UsageError} for an option that there is not
 * @throws {HostError} for one that needs root
 */
export function checkVolumeOptions(options: VolumeOptions): void {
  const words = mountWords(options);
  const inMemory = isTmpfs(options);
  const quota = ["size", "inodes"].find(
    (key) => key in options || (!inMemory && words.some((word) => word.startsWith(`${key}=`))),
  );
  if (quota !== undefined)
    throw new HostError(
      "volume-quota",
      `cannot limit the ${quota} of a volume: quotas of a directory belong to root`,
      { hint: "a limited volume in memory: --opt type=tmpfs --opt device=tmpfs --opt o=size=1g" },
    );
  const unknown = Object.keys(options).find((key) => !KEYS.has(key));
  if (unknown !== undefined)
    throw new UsageError(
      "invalid-volume-option",
      `invalid volume option ${unknown} for driver 'local': invalid argument`,
    );
  const { type = "", device = "" } = options;
  if (type === "" && device === "") {
    if (words[0] !== undefined)
      throw new UsageError(
        "invalid-volume-option",
        `invalid volume option o=${words[0]} for driver 'local': the volume is a directory of its own, and nothing is mounted for it`,
        { hint: "Give mount options where it is used: --volume NAME:DIR:ro,U" },
      );
    return;
  }
  if (inMemory) return;
  if (!isBind(options)) {
    throw new HostError(
      "volume-type",
      `cannot make a volume of type ${type || device}: only root can mount that file system`,
      { hint: "mount it on the machine, and give its directory: --opt type=bind --opt device=DIRECTORY" },
    );
  }
  if (!existsSync(device) || !statSync(device).isDirectory())
    throw new UsageError(
      "invalid-volume-option",
      `invalid volume option device for driver 'local': faccessat ${device}: no such file or directory`,
    );
}

const mountWords = ({ o = "" }: VolumeOptions) => o.split(",").filter((word) => word !== "");

const isTmpfs = ({ type }: VolumeOptions) => type === "tmpfs";

function isBind(options: VolumeOptions): boolean {
  const { type = "" } = options;
  return (
    type === "bind" ||
    ((type === "none" || type === "") && mountWords(options).some((word) => /^r?bind$/.test(word)))
  );
}

/** Whether the volume's files are not in a directory of its own. */
export function isElsewhere({ options }: Pick<VolumeRecord, "options">): boolean {
  return isTmpfs(options) || isBind(options);
}

/** What containers mount for it. */
export function volumeSource({
  options,
  mountpoint,
}: Pick<VolumeRecord, "options" | "mountpoint">): VolumeSource {
  const words = mountWords(options).filter((word) => !/^r?bind$/.test(word));
  if (isTmpfs(options)) return { type: "tmpfs", path: "", options: words };
  return { type: "bind", path: isBind(options) ? (options.device ?? "") : mountpoint, options: words };
}

/**
 * Where the volume's files are for who comes from outside.
 *
 * @throws {UsageError} for a volume in memory, which is there only while a container runs
 */
export function volumeFiles(volume: VolumeRecord): string {
  const { type, path } = volumeSource(volume);
  if (type === "bind") return path;
  throw new UsageError(
    "volume-in-memory",
    `cannot reach the files of volume ${volume.name}: each container has them in its own memory`,
    { hint: "Copy them out of a running container: kelp cp." },
  );
}
