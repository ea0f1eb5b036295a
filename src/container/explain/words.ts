/** A container's plan in words, for a person who knows containers but not kelp. Pure: equal previews give equal texts. */
import { confinementWords, filterWords } from "./confine.ts";
import { fileWords, hiddenWords } from "./files.ts";
import { limitWords, networkWords } from "./outside.ts";
import type { Preview } from "./preview.ts";

export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

/** Sections that have nothing to say are left out. */
export function explainPreview(preview: Preview): Section[] {
  const sections: Section[] = [
    { title: "What runs", lines: processWords(preview) },
    { title: "Users", lines: userWords(preview) },
    { title: "Namespaces", lines: namespaceWords(preview) },
    { title: "Files, in the order in which they are mounted", lines: fileWords(preview) },
    { title: "Hidden and read-only paths", lines: hiddenWords(preview) },
    { title: "Capabilities", lines: confinementWords(preview) },
    { title: "System calls", lines: filterWords(preview) },
    { title: "Network", lines: networkWords(preview) },
    { title: "Limits", lines: limitWords(preview) },
    { title: "Life", lines: lifeWords(preview) },
    { title: "Cannot be had here", lines: preview.refused },
    { title: "Notes", lines: preview.notices },
  ];
  return sections.filter(({ lines }) => lines.length > 0);
}

function processWords({ config, spec, image }: Preview): string[] {
  const { args, cwd, env, terminal } = spec.process;
  const from =
    image === undefined
      ? `the directory ${config.rootfs?.path ?? ""}${config.rootfs?.overlay ? ", which stays unchanged" : ""}`
      : `image ${image.name || image.id.slice(0, 12)} (${image.id.slice(0, 12)}, ${count(image.layers, "layer")})`;
  const names = env.map((entry) => entry.slice(0, entry.indexOf("=")));
  return [
    args.length === 0 ? "no command: the image names none" : args.map(quoted).join(" "),
    `from ${from}, in ${cwd}, with ${terminal ? "a terminal" : config.openStdin ? "its input kept open" : "no input"}`,
    `environment: ${names.join(" ")}`,
    ...(config.secrets.length === 0 ? [] : [`secrets: ${config.secrets.map(({ name }) => name).join(" ")}`]),
    `made by ${config.runtime === undefined ? "kelp itself" : `the OCI runtime ${config.runtime.path}`}`,
  ];
}

const quoted = (word: string) =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

export const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;

function userWords(preview: Preview): string[] {
  const { spec, user, config } = preview;
  const { uid, gid, additionalGids = [] } = spec.process.user;
  const groups = additionalGids.length === 0 ? "" : `, groups ${additionalGids.join(" ")}`;
  const kept = config.groupAdd.includes("keep-groups") ? ", and all groups that you are in" : "";
  const name = user.name === undefined ? "" : ` (${user.name})`;
  return [
    `the command runs as user ${uid}${name} and group ${gid}${groups}${kept}`,
    ...rangeWords(preview),
    `so the command is user ${hostId(preview, uid) ?? "nobody"} on this machine`,
  ];
}

/** The id that a user of the container is on the machine. */
export function hostId({ spec, maps }: Preview, uid: number): number | undefined {
  const own = spec.linux.uidMappings?.map(({ containerID, hostID, size }) => ({
    container: containerID,
    host: hostID,
    size,
  }));
  const base = own === undefined ? uid : translate(own, uid);
  return base === undefined ? undefined : translate(maps.uid, base);
}

function translate(ranges: Preview["maps"]["uid"], id: number): number | undefined {
  const found = ranges.find(({ container, size }) => id >= container && id < container + size);
  return found === undefined ? undefined : found.host + id - found.container;
}

function rangeWords(preview: Preview): string[] {
  const { maps, caller, spec } = preview;
  const ranges =
    spec.linux.uidMappings?.map(({ containerID, size }) => ({ container: containerID, size })) ?? maps.uid;
  return ranges.map(({ container, size }) => {
    const host = hostId(preview, container) ?? 0;
    if (size === 1)
      return `user ${container} inside is ${host}${host === caller.uid ? ` (you, ${caller.name})` : ""} here`;
    return `users ${container} to ${container + size - 1} inside are ${host} to ${host + size - 1} here`;
  });
}

const NAMESPACES: Readonly<Record<string, string>> = {
  pid: "processes",
  network: "network",
  ipc: "shared memory and message queues",
  uts: "host name",
  cgroup: "view of the control groups",
  user: "users",
};

function namespaceWords({ config, spec }: Preview): string[] {
  const { pid, ipc, uts, cgroup, user } = config.namespaces;
  const modes = { pid, network: config.network.mode, ipc, uts, cgroup };
  const users = config.ownIds === undefined ? "shared with your other containers" : modeWords(user);
  const name = spec.hostname === undefined ? "" : `, which is ${spec.hostname}`;
  return [
    "mounts: its own",
    ...Object.entries(modes).map(
      ([type, mode]) => `${NAMESPACES[type]}: ${modeWords(mode)}${type === "uts" ? name : ""}`,
    ),
    `users: ${users}`,
  ];
}

function modeWords(mode: string): string {
  if (mode === "host") return "this machine's";
  if (mode === "shareable") return "its own, others may join";
  if (mode.startsWith("container:")) return `that of container ${mode.slice(10, 22)}`;
  if (mode.startsWith("ns:")) return `the one at ${mode.slice(3)}`;
  return "its own";
}

const POLICIES: Readonly<Record<string, string>> = {
  no: "when it ends it stays, to be looked at or started again",
  always: "whenever it ends it is started again, until you stop it",
  "unless-stopped": "whenever it ends it is started again, until you stop it",
  "on-failure": "when it fails it is started again",
};

function lifeWords({ config }: Preview): string[] {
  const { restart, log, health } = config;
  const limit = restart.retries > 0 ? `, ${restart.retries} times at most` : "";
  return [
    config.autoRemove
      ? "when it ends it is removed, with its changes and unnamed volumes"
      : `${POLICIES[restart.policy]}${limit}`,
    `asked to stop with signal ${config.stopSignal}, killed after ${config.stopTimeout} seconds`,
    ...(config.timeout > 0 ? [`killed after ${config.timeout} seconds in any case`] : []),
    `its output is kept by ${log.driver}${log.driver.endsWith("file") ? ` in ${log.path}` : ""}`,
    ...(config.init ? ["a small init of kelp's is process 1"] : []),
    ...(health === undefined || health.test[0] === "NONE"
      ? []
      : [`its health is checked: ${health.test.join(" ")}`]),
  ];
}
