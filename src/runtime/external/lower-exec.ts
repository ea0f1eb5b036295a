/** One more process in a container of an OCI runtime: the runtime's own exec, between kelp's streams. */

import { O } from "../kernel.ts";
import { BASE_NAMESPACES } from "../lower-base.ts";
import { lowerClient } from "../lower-config.ts";
import type { LowerExecInput } from "../lower-exec.ts";
import { NO_SLOT, type Plan } from "../plan/ops.ts";
import { PlanBuilder, SLOT } from "../plan-builder.ts";

export type ExternalExecInput = Pick<
  LowerExecInput,
  "process" | "monitor" | "client" | "keepFds" | "onFailure"
> & {
  /** The command line of the runtime's exec. */
  readonly argv: readonly string[];
  readonly env: readonly string[];
};

const ORIGIN = "--runtime";

/**
 * The runtime gets the base namespaces, and a terminal of the host's where the process is to have one: it copies between
 * that and the container's. Pure.
 */
export function lowerExternalExec(input: ExternalExecInput): Plan {
  const { process, client } = input;
  const plan = new PlanBuilder();
  plan.add("config", "container", {
    cloneFlags: 0n,
    tty: process.terminal ? 1 : 0,
    stdin: client.attach && client.stdin ? 1 : 0,
    init: 0,
    stopSignal: 0,
    stopMs: 0,
    cgroup: NO_SLOT,
  });
  lowerClient(plan, client);
  plan.add("config", "onFailure", input.onFailure);
  plan.add(
    "launch",
    "joinHolder",
    { ...input.monitor, namespaces: BASE_NAMESPACES },
    { origin: "the container's monitor" },
  );
  if (process.terminal) {
    const { height = 0, width = 0 } = process.consoleSize ?? {};
    const root = { path: "/", flags: O.PATH | O.DIRECTORY, into: SLOT.root };
    plan.add("setup", "openPath", root, { origin: "--tty" });
    const pty = {
      root: SLOT.root,
      path: "dev/ptmx",
      rows: height,
      columns: width,
      uid: 0,
      into: SLOT.terminal,
    };
    plan.add("setup", "openPty", pty, { origin: "--tty" });
  }
  plan.add("exec", "session", {}, { origin: "default" });
  plan.add("exec", "keepFds", { count: input.keepFds ?? 0 }, { origin: "--preserve-fds" });
  plan.add("exec", "execve", { argv: input.argv, env: input.env, search: [] }, { origin: ORIGIN });
  return plan.build();
}
