/** How fast bytes go between containers, to the host and through published ports, beside what the kernel does by itself. */
import { networkInterfaces } from "node:os";
import type { Engine } from "./engines.ts";
import { clientCommand, type Load, onHost, serverCommand, settled, startServer } from "./iperf.ts";
import { bridged, loopback, spliced, splicedOverBridge } from "./plain-network.ts";
import { median } from "./report.ts";
import { IMAGE } from "./scenarios.ts";

const PORT = 25_201;
const OUTSIDE_PORT = 25_202;
const PUBLISHED_PORT = 25_203;
const MTUS = [1500, 65520];
const TCP: readonly Load[] = [1, 8].map((streams) => ({ streams, udp: false }));
const UDP: Load = { streams: 1, udp: true };
/** iperf3 is the machine's: its program and libraries are bound into the containers. */
const IPERF = ["/usr", "/lib", "/lib64"].flatMap((path) => ["-v", `${path}:${path}:ro`]);
const HOST = Object.values(networkInterfaces())
  .flatMap((entries) => entries ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
/** pasta gives a container the host's own address, so that podman's reach the host under another. */
const HOST_OF: Readonly<Record<string, string>> = { podman: "169.254.1.2" };

interface Rate {
  readonly name: string;
  /** What the client gets; undefined: it cannot be measured. */
  measure(engine: Engine): number | undefined;
  /** The same without containers, in the same rounds. */
  limit?(): number | undefined;
}

const words = ({ streams, udp }: Load) => (udp ? "UDP" : `${streams} stream${streams > 1 ? "s" : ""}`);

/** With a server in a container; its address is asked for inside, since engines show it in different places. */
function withServer<T>(engine: Engine, flags: readonly string[], work: (address: string) => T): T {
  try {
    engine.run(["run", "-d", "--name", "server", ...flags, ...IPERF, IMAGE, ...serverCommand(PORT)]);
    const links = engine.run(["exec", "server", "ip", "-4", "-o", "addr"]);
    return work(/inet (?!127\.)([\d.]+)/.exec(links)?.[1] ?? "");
  } finally {
    engine.run(["rm", "-f", "-i", "-t", "0", "server"]);
  }
}

const inContainer = (engine: Engine, network: readonly string[], argv: readonly string[]) =>
  engine.run(["run", "--rm", ...network, ...IPERF, IMAGE, ...argv]);

function between(mtu: number, load: Load): Rate {
  const network = ["--network", `mtu${mtu}`];
  return {
    name: `container to container, MTU ${mtu}, ${words(load)}`,
    measure: (engine) =>
      withServer(engine, network, (host) =>
        settled(() => inContainer(engine, network, clientCommand({ ...load, host, port: PORT }))),
      ),
    limit: () => bridged(mtu, load),
  };
}

function toHost(load: Load): Rate {
  return {
    name: `container to host, ${words(load)}`,
    measure: (engine) => {
      const host = HOST_OF[engine.name] ?? HOST ?? "";
      const listening = startServer(OUTSIDE_PORT);
      const command = clientCommand({ ...load, host, port: OUTSIDE_PORT });
      const rate = settled(() => inContainer(engine, [], command));
      listening.kill();
      return rate;
    },
  };
}

function published(load: Load): Rate {
  const ports = [PORT, ...(load.udp ? [`${PORT}/udp`] : [])].flatMap((to) => [
    "-p",
    `${PUBLISHED_PORT}:${to}`,
  ]);
  return {
    name: `host to published port, ${words(load)}`,
    measure: (engine) =>
      withServer(engine, ports, () =>
        settled(() => onHost({ ...load, host: "127.0.0.1", port: PUBLISHED_PORT })),
      ),
    limit: () => (load.udp ? loopback(load) : spliced(load)),
  };
}

/** Without containers alone: no goal, but what a published port is often compared with. */
const alone =
  (name: string, limit: (load: Load) => number | undefined) =>
  (load: Load): Rate => ({
    name: `${name}, ${words(load)}`,
    measure: () => undefined,
    limit: () => limit(load),
  });

function rates(): Rate[] {
  return [
    ...MTUS.flatMap((mtu) => TCP.map((load) => between(mtu, load))),
    between(1500, UDP),
    ...TCP.map(toHost),
    toHost(UDP),
    ...TCP.map(published),
    published(UDP),
    ...TCP.map(alone("spliced over a bridge", splicedOverBridge)),
    ...TCP.map(alone("loopback", loopback)),
  ];
}

/** An engine that cannot do it here has no figure, and the others go on. */
function tried(engine: Engine, { name, measure }: Rate): number | undefined {
  try {
    return measure(engine);
  } catch (error) {
    console.error(`${engine.name}, ${name}: ${(error as Error).message.split(": ").slice(-2).join(": ")}`);
    return undefined;
  }
}

function figure(found: readonly (number | undefined)[]): string {
  const measured = found.filter((rate) => rate !== undefined);
  return measured.length > 0 ? median(measured).toFixed(2) : "–";
}

/** Medians, by turns. */
export function printRates(engines: readonly Engine[], rounds: number, only: string): void {
  for (const engine of engines)
    for (const mtu of MTUS) engine.run(["network", "create", "--opt", `mtu=${mtu}`, `mtu${mtu}`]);
  const titles = [...engines.map(({ name }) => name), "without containers", "kelp of that"];
  console.log(`\nGbit/s that arrive, medians of ${rounds} by turns\n`);
  console.log(`| | ${titles.join(" | ")} |`);
  console.log(`| --- | ${titles.map(() => "---:").join(" | ")} |`);
  for (const rate of rates().filter(({ name }) => name.includes(only))) {
    const found = engines.map((): (number | undefined)[] => []);
    const limits: (number | undefined)[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const [n, engine] of engines.entries()) found[n]!.push(tried(engine, rate));
      limits.push(rate.limit?.());
    }
    const [own = "–", limit] = [figure(found[0]!), figure(limits)];
    const share = Number(own) / Number(limit);
    const cells = [...found.map(figure), limit, Number.isNaN(share) ? "" : share.toFixed(2)];
    console.log(`| ${rate.name} | ${cells.join(" | ")} |`);
  }
}
