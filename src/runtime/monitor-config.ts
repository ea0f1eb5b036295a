/** What a plan needs to know that no OCI specification says: the monitor, its client, the end. */
import type { ContainerConfig, NewEvent } from "../state/index.ts";
import type { NotifyConfig } from "./lower-notify.ts";

export interface ClientConfig {
  /** The caller becomes the attach client; otherwise it prints `announce` and goes. */
  readonly attach: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Signals the client gets are the container's (--sig-proxy). */
  readonly forwardSignals: boolean;
  /** Bytes of the detach sequence; empty: none. */
  readonly detachKeys: Uint8Array;
  /** Printed on standard output once the container runs detached: its ID and a newline. */
  readonly announce: string;
}

/** What --rm removes when the container has ended. */
export interface RemoveConfig {
  /** Trees removed as the user namespace's root, in order. */
  readonly trees: readonly string[];
  readonly files: readonly string[];
  /** Made first: says that the container exists no more (`runtime/gone/ID`). */
  readonly marker: string;
}

/** The log of events, and what each of a container's begins with. */
export interface EventPlan {
  readonly path: string;
  /** The path is the journal's socket. */
  readonly isJournal?: boolean;
  readonly maxBytes: number;
  readonly base: Omit<NewEvent, "status">;
}

export interface MonitorConfig {
  readonly id: string;
  /** `containers/ID`: the exit file goes here. */
  readonly containerDir: string;
  /** `c/ID` of the runtime directory: status and socket. */
  readonly runDir: string;
  readonly log: ContainerConfig["log"] & {
    /** What every entry in the journal says about the container. */
    readonly fields: Readonly<Record<string, string>>;
  };
  readonly restart: ContainerConfig["restart"];
  /** Seconds the container may run; 0: for ever. */
  readonly timeout: number;
  /** Absent: there are none. */
  readonly events?: EventPlan | undefined;
  /** The service manager that is told about it; absent: nobody. */
  readonly notify?: NotifyConfig | undefined;
  /** `init`: its first process is made ready and waits; the monitor lets it go when a client says so. */
  readonly hold?: boolean | undefined;
  readonly tty: boolean;
  /** `open`: kept open for clients to come; `once`: until the first client that wrote ends; `null`: /dev/null. */
  readonly stdin: "null" | "open" | "once";
  readonly init: boolean;
  readonly stopSignal: number;
  /** Seconds between that and SIGKILL, when the monitor itself is told to end. */
  readonly stopTimeout: number;
  readonly client: ClientConfig;
  readonly pidFile?: string;
  readonly monitorPidFile?: string;
  /** argv of the program that words a failed start, and its environment. */
  readonly onFailure: { readonly argv: readonly string[]; readonly env: readonly string[] };
  readonly remove?: RemoveConfig;
  /** A program started when all is over (restart, events), and not waited for. */
  readonly after?: { readonly argv: readonly string[]; readonly env: readonly string[] };
}
