/** The process of `exec`: the container's own settings, changed by exec's flags, never widened. */
import { UsageError } from "../base/index.ts";
import type { RuntimeSpec, SpecProcess } from "../oci/index.ts";
import type { ContainerConfig } from "../state/index.ts";
import type { RuntimeFacts } from "./facts.ts";
import { resolveCapabilities } from "./spec-capabilities.ts";
import type { ResolvedUser } from "./user.ts";

export interface ExecRequest {
  readonly args: readonly string[];
  /** `NAME=value`, added to or replacing the container's. */
  readonly env: readonly string[];
  /** Absolute, or undefined for the container's own. */
  readonly workdir?: string;
  readonly user: ResolvedUser;
  readonly tty: boolean;
  readonly privileged: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
}

/**
 * @param spec the container's, made anew from its record: exec gets the same limits, masks and filters.
 * @throws {UsageError} for an empty command.
 */
export function makeExecProcess(
  spec: RuntimeSpec,
  config: ContainerConfig,
  request: ExecRequest,
  facts: RuntimeFacts,
): SpecProcess {
  if (request.args.length === 0) {
    throw new UsageError(
      "no-command",
      "must provide a non-empty command to start an exec session: invalid argument",
    );
  }
  const { uid, gid, groups, home } = request.user;
  const { consoleSize: _size, ...own } = spec.process;
  return {
    ...own,
    terminal: request.tty,
    ...(request.consoleSize === undefined ? {} : { consoleSize: request.consoleSize }),
    user: {
      uid,
      gid,
      ...(own.user.umask === undefined ? {} : { umask: own.user.umask }),
      ...(groups.length === 0 ? {} : { additionalGids: groups }),
    },
    args: request.args,
    env: mergeEnv(own.env, request, home, uid !== own.user.uid),
    cwd: request.workdir ?? own.cwd,
    capabilities: resolveCapabilities({
      add: config.capAdd,
      drop: config.capDrop,
      privileged: config.privileged || request.privileged,
      uid,
      lastCap: facts.lastCap,
    }),
  };
}

function mergeEnv(own: readonly string[], request: ExecRequest, home: string, otherUser: boolean): string[] {
  const env = new Map<string, string>();
  const add = (entry: string) => env.set(entry.slice(0, entry.indexOf("=")), entry);
  for (const entry of own) add(entry);
  if (request.tty && !env.has("TERM")) add("TERM=xterm");
  if (otherUser) add(`HOME=${home}`);
  for (const entry of request.env) add(entry);
  return [...env.values()];
}
