import { ConflictError } from "../../../base/index.ts";
import { isLive, prepareStart, type Target, viewOf } from "../../../container/index.ts";
import { runPlan } from "../../../runtime/index.ts";
import { type Context, openContext, writeContainerEvent } from "../../../state/index.ts";
import { clientConfig, DETACHED, resultsOf } from "../../attach.ts";
import { defineCommand, type Globals } from "../../command.ts";
import { chooseContainers, forEachContainer } from "../../containers.ts";
import { ALL_OPTION, LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["init"], ["container", "init"]],
  summary: "Make one or more containers ready to start",
  description:
    "Does all that a start does but for the last step: namespaces, files and mounts, network, ports and control group are there, and the container's first process waits. kelp start then only lets it go; kelp stop and kelp rm end it. Health checks, --timeout and restart policies begin with the start.",
  usage: "[options] CONTAINER [CONTAINER...]",
  examples: [
    ["kelp init web && kelp inspect web", "See a container's process, address and mounts before it runs"],
    ["kelp init --all", "Make all containers ready that do not run"],
  ],
  options: { ...ALL_OPTION, ...LATEST_OPTION },
  args: { min: 1, checked: true, completes: "container" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    let status = 0;
    const failed = await forEachContainer(io, chooseContainers(ctx, args, options), async (target) => {
      if (isLive(viewOf(ctx, target.record).status)) {
        if (options.all) return target.shown;
        throw alreadyLive(target);
      }
      status = (await initOne(ctx, target, globals)) || status;
      return undefined;
    });
    return failed || status;
  },
});

function alreadyLive({ record: { id } }: Target): ConflictError {
  return new ConflictError(
    "already-initialized",
    `container ${id} has already been created in runtime: container state improper`,
  );
}

/** holdfast says the name when the container is ready, `kelp __failed` what went wrong. */
async function initOne(ctx: Context, { record, shown }: Target, globals: Globals): Promise<number> {
  const client = clientConfig(ctx, {
    streams: DETACHED,
    detachKeys: "",
    sigProxy: false,
    announce: `${shown}\n`,
  });
  const prepared = await prepareStart(ctx, record, { client, mode: "start", hold: true });
  const status = await runPlan(prepared.holdfast, "start", prepared.planPath, [], resultsOf(globals));
  if (status === 0) writeContainerEvent(ctx, "init", record);
  return status;
}
