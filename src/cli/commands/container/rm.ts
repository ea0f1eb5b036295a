import { NotFoundError } from "../../../base/index.ts";
import { removeContainer, stopTogether } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers, forEachContainer } from "../../containers.ts";
import { ALL_OPTION, CIDFILE_OPTION, FILTER_LONG_OPTION, LATEST_OPTION } from "../../options/listing.ts";
import { calledAs } from "../../program.ts";

export default defineCommand({
  paths: [["rm"], ["container", "rm"], ["container", "remove"]],
  summary: "Remove one or more containers",
  usage: "[options] CONTAINER [CONTAINER...]",
  examples: [
    ["kelp rm web", "Remove a container that has ended"],
    ["kelp rm --force --all", "Remove all containers, running or not"],
  ],
  options: {
    ...ALL_OPTION,
    ...CIDFILE_OPTION,
    ...FILTER_LONG_OPTION,
    ...LATEST_OPTION,
    depend: { kind: "boolean", text: "Remove the containers that depend on it too" },
    force: { kind: "boolean", short: "f", text: "Stop running containers first; missing ones are no error" },
    ignore: { kind: "boolean", short: "i", text: "Pass over containers and files that do not exist" },
    time: {
      kind: "int",
      short: "t",
      value: "SECONDS",
      text: "With --force, time before the container is killed",
    },
    volumes: { kind: "boolean", short: "v", text: "Remove its anonymous volumes too" },
  },
  args: { min: 1, checked: true, completes: "container" },
  async run({ io, args, options, given, globals }) {
    const ctx = await openContext(globals);
    const ignore = options.ignore || options.force;
    const force = options.force || given.has("time");
    const selected = chooseContainers(ctx, args, { ...options, ignore });
    const failures = selected.failures.map((error) =>
      error instanceof NotFoundError && error.code === "no-such-container"
        ? new NotFoundError(error.code, error.message.replace("name or ID", "ID or name"), { exitCode: 1 })
        : error,
    );
    // docker kills at once; podman asks first.
    const timeout = options.time ?? (calledAs() === "docker" ? 0 : undefined);
    const records = selected.targets.map(({ record }) => record);
    const stopped = force ? await stopTogether(ctx, records, timeout) : new Set<string>();
    const removed = new Set<string>();
    return forEachContainer(io, { ...selected, failures }, async ({ record, shown }) => {
      if (removed.has(record.id)) return undefined;
      const ids = await removeContainer(ctx, record, {
        force,
        timeout,
        stopped: stopped.has(record.id),
        volumes: options.volumes,
        depend: options.depend || options.all,
      });
      for (const id of ids) removed.add(id);
      return [...ids.slice(0, -1), shown].join("\n");
    });
  },
});
