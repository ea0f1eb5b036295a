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
      if (!running)
        throw new ConflictError(
          "not-running",
          `container ${record.id} is not running: container state improper`,
        );
      if (options.all && targets.length > 1) io.out(`${record.id}\n`);
      io.out(
        lines(record, wanted)
          .map((line) => `${line}\n`)
          .join(""),
      );
    }
    return 0;
  },
});

function lines(record: ContainerRecord, wanted: string | undefined): string[] {
  const all = record.config.network.ports.flatMap((port) =>
    Array.from({ length: port.range }, (_, offset) => ({
      inside: `${port.containerPort + offset}/${port.protocol}`,
      outside: `${port.hostIp || "0.0.0.0"}:${port.hostPort + offset}`,
    })),
  );
  if (wanted === undefined) return all.map(({ inside, outside }) => `${inside} -> ${outside}`);
  const key = wanted.includes("/") ? wanted : `${wanted}/tcp`;
  if (!/^\d+\/(tcp|udp|sctp)$/.test(key)) {
    throw new UsageError("invalid-port", `invalid port ${JSON.stringify(wanted)}`);
  }
  const found = all.filter(({ inside }) => inside === key).map(({ outside }) => outside);
  if (found.length > 0) return found;
  throw new NotFoundError("no-such-port", `failed to find published port ${JSON.stringify(key)}`);
}
