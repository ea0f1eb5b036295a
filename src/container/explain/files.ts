/** Mounts and what is hidden, in words. */
import { humanBinarySize } from "../../base/index.ts";
import type { SpecMount } from "../../oci/index.ts";
import type { MountConfig } from "../../state/index.ts";
import type { Preview } from "./preview.ts";

export function fileWords({ config, spec }: Preview): string[] {
  const asked = new Map(config.mounts.map((mount) => [mount.destination, mount]));
  const root = spec.root.readonly
    ? "/ is the image, read-only"
    : config.rootfs?.overlay === false
      ? `/ is ${config.rootfs.path} itself: changes are changes there`
      : "/ is the image; what is written goes into a layer of the container's own";
  return [root, ...spec.mounts.map((mount) => mountWords(mount, asked.get(mount.destination)))];
}

/** Where it comes from, in the words it was asked for where it was. */
function mountWords(mount: SpecMount, asked: MountConfig | undefined): string {
  if (asked === undefined && mount.source.includes("/kelp/"))
    return `${mount.destination} is a file that kelp writes`;
  const origin = asked?.origin === undefined || asked.origin === "" ? "" : ` [${asked.origin}]`;
  return `${mount.destination} is ${sourceWords(mount, asked)}${accessWords(mount)}${origin}`;
}

const FRESH: Readonly<Record<string, string>> = {
  proc: "a view of the container's own processes",
  sysfs: "the kernel's devices",
  devpts: "terminals of its own",
  mqueue: "message queues of its own",
  cgroup2: "its own control group",
  "joined-shm": "the other container's shared memory",
};

function sourceWords(mount: SpecMount, asked: MountConfig | undefined): string {
  const { type, source, options } = mount;
  if (type === "tmpfs") return `memory of its own${sizeWords(options)}`;
  if (asked?.type === "image") return `the files of image ${(asked.source ?? "").slice(0, 12)}`;
  if (type === "overlay")
    return `${lowerOf(options)} of this machine, in which only the container sees its changes`;
  if (type !== "bind") return FRESH[type] ?? type;
  if (asked?.type === "volume") return asked.source === undefined ? "a new volume" : `volume ${asked.source}`;
  return source === mount.destination ? "this machine's" : `${source} of this machine`;
}

function sizeWords(options: readonly string[]): string {
  const size = options.find((word) => word.startsWith("size="))?.slice(5);
  if (size === undefined) return "";
  return `, at most ${/^[0-9]+$/.test(size) ? humanBinarySize(Number(size)) : size}`;
}

const lowerOf = (options: readonly string[]) =>
  options.find((word) => word.startsWith("lowerdir="))?.slice("lowerdir=".length) ?? "a directory";

const WORDS: Readonly<Record<string, string>> = {
  ro: "read-only",
  noexec: "nothing there can be executed",
  nosuid: "no set-uid",
  nodev: "no devices",
  U: "its owner becomes the container's user",
};

/** Of kelp's own mounts only what matters to a person: whether they can be written. */
function accessWords({ options, type }: SpecMount): string {
  const telling = type === "bind" || type === "overlay" ? Object.keys(WORDS) : ["ro", "U"];
  const words = telling.filter((word) => options.includes(word)).map((word) => WORDS[word]);
  return words.length === 0 ? "" : ` (${words.join(", ")})`;
}

export function hiddenWords({ spec }: Preview): string[] {
  const { maskedPaths = [], readonlyPaths = [] } = spec.linux;
  return [
    ...(maskedPaths.length === 0
      ? ["nothing of /proc and /sys is hidden"]
      : [`hidden: ${maskedPaths.join(" ")}`]),
    ...(readonlyPaths.length === 0 ? [] : [`read-only: ${readonlyPaths.join(" ")}`]),
  ];
}
