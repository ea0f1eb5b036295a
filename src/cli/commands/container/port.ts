import { ConflictError, NotFoundError, UsageError } from "../../../base/index.ts";
import { isRunning, viewOf } from "../../../container/index.ts";
import { type ContainerRecord, openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers } from "../../containers.ts";
import { ALL_OPTION, LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["port"], ["container", "port"]],
  summary: "List port mappings or a specific mapping for a container",
  usage: "[options] CONTAINER [PORT[/PROTOCOL]]",
  examples: [["kelp port web 80", "Where port 80 of a container is reachable"]],
  options: { ...ALL_OPTION, ...LATEST_OPTION },
  args: { min: 1, max: 2, checked: true, completes: { each: ["running", "none"] } },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    const names = options.latest || options.all ? [] : args.slice(0, 1);
    const wanted = options.latest ? args[0] : args[1];
    const { targets, failures } = chooseContainers(ctx, names, { ...options });
    if (failures[0] !== undefined) throw failures[0];
    for (const { record } of targets) {
      const running = isRunning(viewOf(ctx, record).status);
      if (!running && options.all) continue;
      if (!running) throw new ConflictError("not-running", `container ${record.id} is not running: container state improper`);
      if (options.all && targets.length > 1) io.out(`${record.id}\n`);
      io.out(lines(record, wanted).map((line) => `${line}\n`).join(""));
    }
    return 0;
  },
});

function lines(record: ContainerRecord, wanted: string | undefined): string[] {
  const key = wanted === undefined ? undefined : wanted.includes("/") ? wanted : `${wanted}/tcp`;
  if (key !== undefined && !/^\d+\/(tcp|udp|sctp)$/.test(key)) throw new UsageError("invalid-port", `invalid port ${JSON.stringify(wanted)}`);
  const found: string[] = [];
  for (const port of record.config.network.ports) {
    for (let offset = 0; offset < port.range; offset++) {
      const inside = `${port.containerPort + offset}/${port.protocol}`;
      const outside = `${port.hostIp || "0.0.0.0"}:${port.hostPort + offset}`;
      if (key === undefined) found.push(`${inside} -> ${outside}`);
      else if (key === inside) found.push(outside);
    }
  }
  if (key !== undefined && found.length === 0) throw new NotFoundError("no-such-port", `failed to find published port ${JSON.stringify(key)}`);
  return found;
}
