import { UsageError } from "../../../base/index.ts";
import {
  changedEnv,
  changedHealth,
  parseRestart,
  parseUlimit,
  resourceLimits,
  updateContainer,
} from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers } from "../../containers.ts";
import { CHANGEABLE_LIMITS } from "../../options/change-limits.ts";
import { HEALTH_OPTIONS } from "../../options/create-health.ts";
import { LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["update"], ["container", "update"]],
  summary: "Update the configuration of an existing container",
  description:
    "Limits, restart policy and health check change at once in a running container; a changed health check begins anew, and restarts so far count for the new policy. Environment and ulimits hold from its next start.",
  usage: "[options] CONTAINER",
  examples: [["kelp update --memory 512m web", "Change the memory limit of a container"]],
  options: {
    ...CHANGEABLE_LIMITS,
    ...HEALTH_OPTIONS,
    ...LATEST_OPTION,
    env: { kind: "list", short: "e", value: "NAME=VALUE", text: "Set an environment variable" },
    restart: {
      kind: "string",
      value: "POLICY",
      text: "What happens at the container's end",
      completes: ["no", "always", "on-failure", "unless-stopped"],
    },
    ulimit: { kind: "list", comma: true, value: "NAME=SOFT[:HARD]", text: "Resource limit of the process" },
    unsetenv: { kind: "list", value: "NAME", text: "Remove an environment variable" },
  },
  args: { min: 1, max: 1, checked: true, completes: "container" },
  async run({ io, args, options, given, globals }) {
    if (args.length + Number(options.latest) === 0 || args.length > 1)
      throw new UsageError("missing-container", "update requires one container, or --latest");
    const ctx = await openContext(globals);
    const { targets, failures } = chooseContainers(ctx, args, { latest: options.latest });
    if (failures[0] !== undefined) throw failures[0];
    const { record } = targets[0]!;
    const { config } = record;
    const health = changedHealth(config.health, { options, given, cwd: process.cwd() });
    await updateContainer(ctx, record, {
      ...(health === undefined ? {} : { health }),
      resources: resourceLimits(options, given),
      ...(given.has("restart") ? { restart: parseRestart(options.restart) } : {}),
      ...(options.env !== undefined || options.unsetenv !== undefined
        ? { env: changedEnv(config.env, options.env ?? [], options.unsetenv ?? []) }
        : {}),
      ...(given.has("ulimit") ? { ulimits: mergedUlimits(config.ulimits, options.ulimit ?? []) } : {}),
    });
    io.out(`${record.id}\n`);
    return 0;
  },
});

function mergedUlimits(before: readonly ReturnType<typeof parseUlimit>[], flags: readonly string[]) {
  const limits = new Map([...before, ...flags.map(parseUlimit)].map((limit) => [limit.name, limit] as const));
  return [...limits.values()];
}
