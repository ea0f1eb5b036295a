/** The command line that would make a container again. */
import { UsageError } from "../base/index.ts";
import type { ContainerRecord } from "../state/index.ts";
import { type FlagUse, normaliseArgv } from "./argv.ts";
import type { OptionTable } from "./command.ts";
import { GLOBAL_OPTIONS } from "./globals.ts";
import { findCommand } from "./lookup.ts";
import { RUN_OPTIONS } from "./options/create.ts";

export interface Recreation {
  /** Flags before the command's name. */
  readonly global: readonly string[];
  /** Flags, image and command, without those flags that say how it is run this time. */
  readonly words: readonly string[];
  readonly sdnotify: string | undefined;
}

/** What belongs to one run, or is the unit's to say. */
const LEFT_OUT = new Set([
  "attach",
  "cgroups",
  "cidfile",
  "conmon-pidfile",
  "detach",
  "detach-keys",
  "name",
  "pidfile",
  "quiet",
  "replace",
  "restart",
  "rm",
  "rmi",
  "sdnotify",
  "sig-proxy",
]);

/**
 * Variables named without a value get that which the container has: what the shell had then is not there for systemd.
 *
 * @throws {UsageError} for a container that no `create` or `run` made
 */
export function recreation({ id, config }: ContainerRecord): Recreation {
  const found = findCommand(config.createCommand.slice(1));
  const verb = found.path.at(-1);
  if (verb !== "run" && verb !== "create") {
    throw new UsageError(
      "no-create-command",
      `cannot use --new on container ${JSON.stringify(id)}: no create command found: only works on containers created directly with podman but not via REST API`,
    );
  }
  const table: OptionTable = { ...GLOBAL_OPTIONS, ...RUN_OPTIONS };
  const { flags, args } = normaliseArgv(found.rest, table, "after-first");
  const isOwn = ({ name }: FlagUse) => Object.hasOwn(RUN_OPTIONS, name);
  const global = [...found.globals, ...flags.filter((flag) => !isOwn(flag))].map(word);
  const words = flags
    .filter((flag) => isOwn(flag) && !LEFT_OUT.has(flag.name))
    .map((flag) => word(withValue(flag, config.env)));
  return {
    global,
    words: [...words, ...args],
    sdnotify: flags.findLast(({ name }) => name === "sdnotify")?.value,
  };
}

function withValue(flag: FlagUse, env: readonly string[]): FlagUse {
  if (flag.name !== "env" || flag.value.includes("=")) return flag;
  return { ...flag, value: env.find((line) => line.startsWith(`${flag.value}=`)) ?? flag.value };
}

function word({ name, value }: FlagUse): string {
  return `--${name}=${value}`;
}
