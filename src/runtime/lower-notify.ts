/** The container as a service: what its manager is told, and the sockets it was given. */
import { TOLERATE } from "./plan/ops.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";

export interface NotifyConfig {
  /** All of the address: a path with a NUL at its end, or a NUL and an abstract name. */
  readonly address: Uint8Array;
  /** Who says that it is ready: the monitor at once, or once it is healthy, or the container itself. */
  readonly ready: "conmon" | "healthy" | "container";
  /** The socket that the container writes to. */
  readonly proxy?: { readonly directory: string; readonly name: string };
}

const WHEN = { conmon: 0, healthy: 1, container: 2 } as const;
/**
 * What a container may say of itself. Process ids mean nothing outside of it, the manager's store of descriptors
 * would outlive it, and who may speak for the service is not its to say.
 */
const PASSED = [
  "READY",
  "STATUS",
  "RELOADING",
  "MONOTONIC_USEC",
  "STOPPING",
  "ERRNO",
  "BUSERROR",
  "WATCHDOG",
  "WATCHDOG_USEC",
  "EXTEND_TIMEOUT_USEC",
];
const ORIGIN = "--sdnotify";

/** A manager that has gone keeps no container from starting. */
export function lowerNotify(plan: PlanBuilder, notify: NotifyConfig | undefined): void {
  if (notify === undefined) return;
  const { address, ready, proxy } = notify;
  plan.add(
    "launch",
    "connectDatagram",
    { address, into: SLOT.notify },
    { origin: ORIGIN, tolerate: TOLERATE.any },
  );
  plan.add(
    "config",
    "notify",
    {
      target: SLOT.notify,
      when: WHEN[ready],
      mainPid: "MAINPID=",
      ready: "READY=1",
      dir: proxy?.directory ?? "",
      name: proxy?.name ?? "",
      pass: proxy === undefined ? [] : PASSED,
    },
    { origin: ORIGIN },
  );
}
