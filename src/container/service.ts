/** What a container's start takes over from the service manager that runs kelp: its socket, its watchdog, its sockets. */
import { fstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { log, UsageError } from "../base/index.ts";
import { hostEnvironment } from "../config/index.ts";
import { containerRunDir, notifyAddress } from "../host/index.ts";
import type { NotifyConfig } from "../runtime/index.ts";
import type { ContainerConfig, ContainerRecord, Context, SdNotifyMode } from "../state/index.ts";
import type { CreateRequest } from "./create-options.ts";

const MODES: readonly SdNotifyMode[] = ["container", "conmon", "healthy", "ignore"];
/** Where a container finds the socket it may tell its state to; podman's place. */
const INSIDE = "/run/notify";
const SOCKET = "notify.sock";

/** One of podman's words. */
export function sdNotifyMode(text: string): SdNotifyMode {
  const mode = MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new UsageError(
    "invalid-sdnotify",
    `invalid argument: invalid sdnotify value ${JSON.stringify(text)}: must be ${MODES.slice(0, -1).join(", ")} or ignore`,
  );
}

/** --sdnotify. */
export function parseSdNotify(
  text: string | undefined,
  hasHealthCheck: boolean,
): Pick<ContainerConfig, "sdnotify" | "sdnotifySocket"> {
  const mode = sdNotifyMode(text || "container");
  if (mode === "healthy" && !hasHealthCheck) {
    throw new UsageError(
      "sdnotify-without-health",
      `invalid argument: sdnotify policy "healthy" requires a healthcheck to be set`,
    );
  }
  const socket = hostEnvironment().NOTIFY_SOCKET;
  return { sdnotify: mode, ...(mode === "ignore" || !socket ? {} : { sdnotifySocket: socket }) };
}

/** How many descriptors from 3 on the manager has opened for the service. LISTEN_PID may be a script that runs kelp. */
function listenedFds(environment: ReturnType<typeof hostEnvironment>): number {
  const text = environment.LISTEN_FDS ?? "";
  if (!/^[1-9]\d*$/.test(text)) return 0;
  for (let fd = 3; fd < 3 + Number(text); fd++) {
    try {
      fstatSync(fd);
    } catch {
      log.warn(`LISTEN_FDS is ${text} but descriptor ${fd} is not open: no sockets are passed on`);
      return 0;
    }
  }
  return Number(text);
}

/** The unit that runs kelp says its name; by this label the container is found to be its. */
export const UNIT_LABEL = "PODMAN_SYSTEMD_UNIT";

export function unitLabel({
  environment,
  step,
}: Pick<CreateRequest, "environment" | "step">): Record<string, string> {
  const unit = environment[UNIT_LABEL];
  return unit && step === undefined ? { [UNIT_LABEL]: unit } : {};
}

export interface ServicePart {
  /** Whom the monitor tells; absent: nobody. */
  readonly notify?: NotifyConfig;
  /** `NAME=value` for the process. */
  readonly env: readonly string[];
  /** Its files, by their place in the container. */
  readonly mounts: Readonly<Record<string, string>>;
  /** Descriptors passed on from 3 on. */
  readonly fds: number;
  /** The variable that tells the process its own pid. */
  readonly pidVariable?: string;
}

export const NO_SERVICE: ServicePart = { env: [], mounts: {}, fds: 0 };

/** Whether a start has something to take over from a manager: then it cannot be that of a container which is ready already. */
export function isService(record: ContainerRecord, mode: SdNotifyMode = record.config.sdnotify): boolean {
  const environment = hostEnvironment();
  const notifies = mode !== "ignore" && notifyAddress(environment.NOTIFY_SOCKET) !== undefined;
  return notifies || listenedFds(environment) > 0;
}

/** The caller is a service of the manager that NOTIFY_SOCKET leads to, and shall be seen as that. @param mode of this start */
export function servicePart(
  ctx: Context,
  record: ContainerRecord,
  mode: SdNotifyMode = record.config.sdnotify,
): ServicePart {
  // A step of a build is nobody's service.
  if (record.config.layers !== undefined) return NO_SERVICE;
  const environment = hostEnvironment();
  const fds = listenedFds(environment);
  const names = environment.LISTEN_FDNAMES;
  const listening = fds === 0 ? [] : [`LISTEN_FDS=${fds}`, ...(names ? [`LISTEN_FDNAMES=${names}`] : [])];
  const own = { fds, ...(fds === 0 ? {} : { pidVariable: "LISTEN_PID" }) };
  const address = notifyAddress(environment.NOTIFY_SOCKET);
  if (mode === "ignore" || address === undefined) return { env: listening, mounts: {}, ...own };
  if (mode !== "container") return { notify: { address, ready: mode }, env: listening, mounts: {}, ...own };
  const directory = join(containerRunDir(ctx.paths, record.id), "notify");
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const { WATCHDOG_USEC: watchdog } = environment;
  return {
    notify: { address, ready: mode, proxy: { directory, name: SOCKET } },
    env: [
      ...listening,
      `NOTIFY_SOCKET=${INSIDE}/${SOCKET}`,
      ...(watchdog === undefined ? [] : [`WATCHDOG_USEC=${watchdog}`]),
    ],
    mounts: { [INSIDE]: directory },
    ...own,
  };
}
