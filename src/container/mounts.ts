/**
 * --volume, --mount, --tmpfs and an image's VOLUMEs as one list of `MountConfig`. Reading only: whether a host path exists
 * is asked here, whether a volume exists is not.
 */
import { ConfigError, UsageError } from "../base/index.ts";
import type { MountConfig } from "../state/index.ts";
import { parseMountFlag } from "./mount-flag.ts";
import { checkOptions, cleanPath, containerPath, hostPath, withDefaults } from "./mount-words.ts";

export interface MountInput {
  readonly volumes: readonly string[];
  readonly mounts: readonly string[];
  readonly tmpfs: readonly string[];
  /** Of the configuration; a flag takes its destination over. */
  readonly configured?: Pick<MountInput, "volumes" | "mounts">;
  /** Of other containers; what this one itself has goes before. */
  readonly inherited?: readonly MountConfig[];
  /** Paths of the image's VOLUMEs. */
  readonly imageVolumes: readonly string[];
  /** podman's --image-volume. */
  readonly imageVolumeMode: string;
  readonly cwd: string;
}

/** Every mount of a container, flags before image volumes; two flags with one destination are an error. */
export function resolveMounts(input: MountInput): { mounts: MountConfig[]; imageVolumes: string[] } {
  const taken = byDestination([
    ...input.mounts.flatMap((flag) => parseMountFlag(flag, input.cwd)),
    ...input.volumes.map((flag) => parseVolumeFlag(flag, input.cwd)),
    ...input.tmpfs.map(parseTmpfsFlag),
  ]);
  for (const mount of [...configuredMounts(input), ...(input.inherited ?? [])])
    if (!taken.has(mount.destination)) taken.set(mount.destination, mount);
  const mounts = [...taken.values()];
  const made = imageMounts(input, taken);
  return {
    mounts: [...mounts, ...made],
    imageVolumes: made.filter(({ type }) => type === "volume").map((mount) => mount.destination),
  };
}

function byDestination(asked: readonly MountConfig[]): Map<string, MountConfig> {
  const taken = new Map<string, MountConfig>();
  for (const mount of asked) {
    const other = taken.get(mount.destination);
    if (other === undefined) taken.set(mount.destination, mount);
    else if (!isSame(mount, other)) {
      throw new UsageError("duplicate-mount", `${mount.destination}: duplicate mount destination`);
    }
  }
  return taken;
}

function configuredMounts({ configured, cwd }: MountInput): Iterable<MountConfig> {
  if (configured === undefined) return [];
  const parsed = <T>(key: "mounts" | "volumes", parse: (entry: string, cwd: string) => T): T[] =>
    configured[key].map((entry) => {
      try {
        return parse(entry, cwd);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        throw new ConfigError("config-value", `parsing containers.conf ${key}: ${error.message}`, {
          cause: error,
        });
      }
    });
  return byDestination([
    ...parsed("mounts", parseMountFlag).flat(),
    ...parsed("volumes", parseVolumeFlag),
  ]).values();
}

/** `anonymous` is what containers.conf calls podman's `bind`. */
const IMAGE_VOLUME_MODES = ["anonymous", "bind", "tmpfs", "ignore"];

/** What becomes of the image's VOLUMEs where no flag has put anything. */
function imageMounts(input: MountInput, taken: ReadonlyMap<string, MountConfig>): MountConfig[] {
  if (!IMAGE_VOLUME_MODES.includes(input.imageVolumeMode)) {
    throw new UsageError(
      "invalid-image-volume",
      `invalid image-volume type ${JSON.stringify(input.imageVolumeMode)}: must be one of bind, tmpfs, or ignore`,
    );
  }
  if (input.imageVolumeMode === "ignore") return [];
  const type = input.imageVolumeMode === "tmpfs" ? "tmpfs" : "volume";
  return imageVolumePaths(input.imageVolumes)
    .filter((path) => !taken.has(path))
    .map((path) => ({ type, destination: path, options: [], origin: `image VOLUME ${path}` }));
}

/** The same flag twice is no contradiction. */
function isSame(a: MountConfig, b: MountConfig): boolean {
  return a.type === b.type && a.source === b.source && a.options.join() === b.options.join();
}

/** An image's word is not trusted: what is not a clean absolute path below the root is no volume. */
function imageVolumePaths(paths: readonly string[]): string[] {
  const clean = paths.filter(
    (path) => path.startsWith("/") && !path.split("/").includes("..") && !path.includes("\0"),
  );
  return [...new Set(clean.map((path) => cleanPath(path)))].filter((path) => path !== "/").sort();
}

/** `[SOURCE:]DESTINATION[:OPTIONS]`; a source beginning with `.`, `/` or `~` is a path, anything else a volume's name. */
export function parseVolumeFlag(flag: string, cwd: string): MountConfig {
  const origin = `--volume ${flag}`;
  const words = splitColons(flag);
  if (words.length > 3 || words.some((word) => word === "")) {
    throw new UsageError(
      "invalid-volume",
      `incorrect volume format, should be [host-dir:]ctr-dir[:option]: ${JSON.stringify(flag)}`,
    );
  }
  if (words.length === 1)
    return { type: "volume", destination: containerPath(words[0]!), options: [], origin };
  const [source, target, optionText] = words as [string, string, string | undefined];
  const destination = containerPath(target);
  const options = optionText === undefined ? [] : checkOptions(optionText.split(","), origin);
  if (source.startsWith("/") || source.startsWith(".")) {
    return {
      type: "bind",
      source: hostPath(source, cwd),
      destination,
      options: withDefaults(options),
      origin,
    };
  }
  return { type: "volume", source, destination, options, origin };
}

/** `DESTINATION[:OPTIONS]`. */
export function parseTmpfsFlag(flag: string): MountConfig {
  const colon = flag.indexOf(":");
  const destination = containerPath(colon < 0 ? flag : flag.slice(0, colon));
  const options =
    colon < 0
      ? []
      : flag
          .slice(colon + 1)
          .split(",")
          .filter((word) => word !== "");
  return { type: "tmpfs", destination, options, origin: `--tmpfs ${flag}` };
}

/** At colons not preceded by a backslash. */
function splitColons(text: string): string[] {
  return text.split(/(?<!\\):/).map((word) => word.replaceAll("\\:", ":"));
}
