/** How an OCI runtime is called. */
import { basename } from "node:path";
import type { ContainerConfig } from "../../state/index.ts";

export type OciRuntime = NonNullable<ContainerConfig["runtime"]>;

/** Where one container and its runtime meet; the directory is the container's in the runtime directory. */
export interface RuntimePlace {
  readonly id: string;
  /** The runtime's own records, one directory for all containers. */
  readonly stateDir: string;
  /** The bundle: config.json, the pid file, the socket for its terminal, the log of what went wrong. */
  readonly bundle: string;
}

export const CONSOLE_SOCKET = "console";

export const bundleFile = {
  config: ({ bundle }: RuntimePlace) => `${bundle}/config.json`,
  pid: ({ bundle }: RuntimePlace) => `${bundle}/oci.pid`,
  log: ({ bundle }: RuntimePlace) => `${bundle}/oci.log`,
} as const;

/** Words that only one program has; what kelp has done itself need not be done again. */
const OWN_FLAGS: Readonly<Record<string, readonly string[]>> = {
  // The process is in its group before crun hears of it.
  crun: ["--cgroup-manager=disabled"],
  // Its own network stack would want interfaces for itself; `--rootless` is for its `run` and `do` alone.
  runsc: ["--ignore-cgroups", "--network=host"],
};

/** The name a runtime is known by: what its file is called, without a version behind a dash or dot. */
export function runtimeKind({ path }: Pick<OciRuntime, "path">): string {
  return basename(path).replace(/[-.]\d.*$/, "");
}

function global(runtime: OciRuntime, { stateDir }: RuntimePlace, log: string): string[] {
  return [
    runtime.path,
    ...(OWN_FLAGS[runtimeKind(runtime)] ?? []),
    ...runtime.flags.map((flag) => `--${flag}`),
    `--root=${stateDir}`,
    `--log=${log}`,
    "--log-format=json",
  ];
}

/** The command lines for one container's life; `kill` ends with the place of the signal's number. */
export function runtimeCommands(
  runtime: OciRuntime,
  place: RuntimePlace,
  options: { readonly tty: boolean; readonly keepFds: number },
) {
  const words = global(runtime, place, bundleFile.log(place));
  return {
    create: [
      ...words,
      "create",
      `--bundle=${place.bundle}`,
      `--pid-file=${bundleFile.pid(place)}`,
      ...(options.tty ? [`--console-socket=${CONSOLE_SOCKET}`] : []),
      ...(options.keepFds > 0 ? [`--preserve-fds=${options.keepFds}`] : []),
      place.id,
    ],
    start: [...words, "start", place.id],
    kill: [...words, "kill", place.id, "0"],
    remove: [...words, "delete", "--force", place.id],
  };
}

/** One more process, described in a file; beside it, in `execLog`, the runtime says what went wrong. */
export function runtimeExec(
  runtime: OciRuntime,
  place: RuntimePlace,
  processFile: string,
  keepFds = 0,
): string[] {
  const words = global(runtime, place, execLog(processFile));
  const fds = keepFds > 0 ? [`--preserve-fds=${keepFds}`] : [];
  return [...words, "exec", `--process=${processFile}`, ...fds, place.id];
}

export function execLog(processFile: string): string {
  return `${processFile}.log`;
}
