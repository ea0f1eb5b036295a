/** A container of podman's, made anew from the command line it was made with. */
import { UsageError } from "../base/index.ts";
import { createContainer } from "../container/index.ts";
import type { Context } from "../state/index.ts";
import type { PodmanContainer } from "../system/index.ts";
import { normaliseArgv } from "./argv.ts";
import { GLOBAL_OPTIONS } from "./globals.ts";
import { findCommand } from "./lookup.ts";
import { RUN_OPTIONS } from "./options/create.ts";
import { readValues } from "./values.ts";

/** They belong to that one call, not to the container. */
const OF_THE_CALL = ["cidfile", "name", "pull", "replace", "authfile"];

/**
 * Creates it under its name; it is not started. Images are those of kelp's store, variables those it had.
 *
 * @throws {UsageError} `not-replayable`, or what `kelp create` would say
 */
export async function recreateContainer(ctx: Context, container: PodmanContainer): Promise<void> {
  const [program = "", ...words] = container.command;
  const found = findCommand(words);
  const verb = found.path.at(-1);
  if (found.entry === undefined || (verb !== "run" && verb !== "create")) {
    const maker = program === "" ? "podman's service" : `'${container.command.slice(0, 3).join(" ")}'`;
    throw new UsageError("not-replayable", `it was made by ${maker}, not by run or create`);
  }
  const read = normaliseArgv(found.rest, { ...GLOBAL_OPTIONS, ...RUN_OPTIONS }, "after-first");
  const uses = read.flags.filter(
    ({ name }) => Object.hasOwn(RUN_OPTIONS, name) && !OF_THE_CALL.includes(name),
  );
  const { options, given } = readValues(RUN_OPTIONS, uses, ctx.settings);
  const [image = "", ...command] = read.args;
  await createContainer(ctx, {
    image,
    command,
    options: { ...options, name: container.name, pull: "never" },
    given: new Set([...given, "name", "pull"]),
    argv: words,
    unnamedVolumes: new Map(
      [...container.volumes].filter(([, name]) => ctx.state.volumes.get(name)?.anonymous),
    ),
    environment: Object.fromEntries(container.env.map(splitVariable)),
    cwd: "/",
  });
}

function splitVariable(line: string): [string, string] {
  const equals = line.indexOf("=");
  return [line.slice(0, equals), line.slice(equals + 1)];
}
