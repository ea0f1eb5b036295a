/** Networks: what attaching costs, and how fast bytes and requests go. Rates need iperf3; its program is bound into the containers. */
import { networkInterfaces } from "node:os";
import type { Engine } from "./engines.ts";
import type { Group } from "./images.ts";
import { ownProcesses, residentPerContainer } from "./memory.ts";
import { median } from "./report.ts";
import { IMAGE, type Scenario } from "./scenarios.ts";

const SECONDS = 2;
const REQUESTS = 2000;
const WORKERS = 8;
const HOST = Object.values(networkInterfaces())
  .flatMap((entries) => entries ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
const IPERF = ["/usr", "/lib", "/lib64"].flatMap((path) => ["-v", `${path}:${path}:ro`]);
const STREAMS = [1, 8];
const MTUS = [1500, 65520];
const COUNTS = [1, 40];
const PORT = 25_201;

const runTrue = (flags: readonly string[]) => (engine: Engine) =>
  void engine.run(["run", "--rm", ...flags, IMAGE, "true"]);
const removeAll = (engine: Engine) => void engine.run(["rm", "-f", "-t", "0", "-a"]);

function starts(): Scenario[] {
  const alive = {
    prepare: (engine: Engine) => void engine.run(["run", "-d", IMAGE, "sleep", "1000"]),
    finish: removeAll,
  };
  return [
    { name: "run --rm true, no network", measure: runTrue(["--network", "none"]) },
    { name: "run --rm true, the first container", measure: runTrue([]) },
    { name: "run --rm true, no network, beside another", ...alive, measure: runTrue(["--network", "none"]) },
    { name: "run --rm true, beside another", ...alive, measure: runTrue([]) },
  ];
}

// --- rates ------------------------------------------------------------------------------------------

interface Rate {
  readonly name: string;
  /** What the client's iperf3 gets; undefined: it cannot be measured. */
  measure(engine: Engine): number | undefined;
}

const PROGRAM = Bun.which("iperf3") ?? "iperf3";
const server = (port: number) => [PROGRAM, "-s", "-p", String(port)];
const client = (host: string, port: number, streams: number, udp = false) => [
  ...[PROGRAM, "-J", "-c", host, "-p", String(port), "-t", String(SECONDS), "-P", String(streams)],
  ...(udp ? ["-u", "-b", "0", "-l", "1400"] : []),
];

/** Gbit/s that arrived. */
function arrived(json: string): number | undefined {
  const { end } = JSON.parse(json) as {
    end: {
      sum_received?: { bits_per_second: number };
      sum?: { bits_per_second: number; lost_percent: number };
    };
  };
  if (end.sum?.lost_percent !== undefined)
    return (end.sum.bits_per_second * (100 - end.sum.lost_percent)) / 1e11;
  return end.sum_received === undefined ? undefined : end.sum_received.bits_per_second / 1e9;
}

/** A client that fails now and then (its server is not up yet) is tried again. */
function attempt(work: () => string): number | undefined {
  for (let left = 20; left > 0; left--) {
    try {
      return arrived(work());
    } catch {
      Bun.sleepSync(100);
    }
  }
  return undefined;
}

function onHost(argv: readonly string[]): string {
  const { stdout, success } = Bun.spawnSync([...argv], { stderr: "ignore" });
  if (!success) throw new Error("iperf3");
  return stdout.toString();
}

/** With a server in a container; its address is asked for inside, since engines show it in different places. */
function withServer<T>(engine: Engine, flags: readonly string[], work: (address: string) => T): T {
  try {
    engine.run(["run", "-d", "--name", "server", ...flags, ...IPERF, IMAGE, ...server(PORT)]);
    const links = engine.run(["exec", "server", "ip", "-4", "-o", "addr"]);
    return work(/inet (?!127\.)([\d.]+)/.exec(links)?.[1] ?? "");
  } finally {
    engine.run(["rm", "-f", "-i", "-t", "0", "server"]);
  }
}

const inContainer = (engine: Engine, network: readonly string[], argv: readonly string[]) =>
  engine.run(["run", "--rm", ...network, ...IPERF, IMAGE, ...argv]);

function between(mtu: number, streams: number, udp = false): Rate {
  const network = ["--network", `mtu${mtu}`];
  return {
    name: `container to container, MTU ${mtu}, ${udp ? "UDP" : `${streams} stream${streams > 1 ? "s" : ""}`}`,
    measure: (engine) =>
      withServer(engine, network, (address) =>
        attempt(() => inContainer(engine, network, client(address, PORT, streams, udp))),
      ),
  };
}

function toHost(streams: number, udp = false): Rate {
  return {
    name: `container to host, ${udp ? "UDP" : `${streams} stream${streams > 1 ? "s" : ""}`}`,
    measure: (engine) => {
      const listening = Bun.spawn(server(PORT + 1), { stdout: "ignore", stderr: "ignore" });
      const rate = attempt(() => inContainer(engine, [], client(HOST ?? "", PORT + 1, streams, udp)));
      listening.kill();
      return rate;
    },
  };
}

function published(streams: number, udp = false): Rate {
  const ports = [PORT, ...(udp ? [`${PORT}/udp`] : [])].flatMap((to) => ["-p", `${PORT + 2}:${to}`]);
  return {
    name: `host to published port, ${udp ? "UDP" : `${streams} stream${streams > 1 ? "s" : ""}`}`,
    measure: (engine) =>
      withServer(engine, ports, () => attempt(() => onHost(client("127.0.0.1", PORT + 2, streams, udp)))),
  };
}

/** The machine's own loopback: what a copy of every byte costs without any container. */
function loopback(streams: number): number | undefined {
  const listening = Bun.spawn(server(PORT + 3), { stdout: "ignore", stderr: "ignore" });
  const rate = attempt(() => onHost(client("127.0.0.1", PORT + 3, streams)));
  listening.kill();
  return rate;
}

function rates(): Rate[] {
  return [
    ...MTUS.flatMap((mtu) => STREAMS.map((streams) => between(mtu, streams))),
    between(1500, 1, true),
    ...STREAMS.map((streams) => toHost(streams)),
    toHost(1, true),
    ...STREAMS.map((streams) => published(streams)),
    published(1, true),
  ];
}

/** An engine that cannot do it here has no figure, and the others go on. */
function tried(name: string, engine: Engine, measure: Rate["measure"]): number | undefined {
  try {
    return measure(engine);
  } catch (error) {
    console.error(`${engine.name}, ${name}: ${(error as Error).message.split(": ").slice(-2).join(": ")}`);
    return undefined;
  }
}

function printRates(engines: readonly Engine[], rounds: number): void {
  for (const engine of engines)
    for (const mtu of MTUS) engine.run(["network", "create", "--opt", `mtu=${mtu}`, `mtu${mtu}`]);
  console.log(`\nGbit/s that arrive, medians of ${rounds} by turns, ${SECONDS} s each\n`);
  console.log(`| | ${engines.map(({ name }) => name).join(" | ")} |`);
  console.log(`| --- | ${engines.map(() => "---:").join(" | ")} |`);
  for (const { name, measure } of rates()) {
    const found = engines.map((): number[] => []);
    for (let round = 0; round < rounds; round++)
      for (const [n, engine] of engines.entries()) {
        const rate = tried(name, engine, measure);
        if (rate !== undefined) found[n]!.push(rate);
      }
    console.log(
      `| ${name} | ${found.map((list) => (list.length > 0 ? median(list).toFixed(2) : "–")).join(" | ")} |`,
    );
  }
  for (const streams of STREAMS)
    console.log(
      `| loopback without containers, ${streams} | ${(loopback(streams) ?? Number.NaN).toFixed(2)} | |`,
    );
}

// --- requests and memory -------------------------------------------------------------------------------

async function requestsPerSecond(engine: Engine): Promise<number> {
  const script = "mkdir /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w";
  engine.run(["run", "-d", "--name", "web", "-p", `${PORT + 4}:80`, IMAGE, "sh", "-c", script]);
  const get = () => fetch(`http://127.0.0.1:${PORT + 4}/`, { keepalive: false }).then((got) => got.text());
  for (let left = 50; left > 0 && (await get().catch(() => "")) === ""; left--) await Bun.sleep(50);
  const started = performance.now();
  let left = REQUESTS;
  await Promise.all(
    Array.from({ length: WORKERS }, async () => {
      while (left-- > 0) await get();
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  removeAll(engine);
  return REQUESTS / seconds;
}

function printMemory(engines: readonly Engine[]): void {
  for (const engine of engines)
    for (const count of COUNTS) {
      const before = ownProcesses();
      for (let n = 0; n < count; n++) engine.run(["run", "-d", IMAGE, "sleep", "1000"]);
      const found = residentPerContainer(before, count);
      const text = found
        ? `${found.kilobytes.toFixed(0)} kB private each (${found.what})`
        : "cannot be read without root";
      console.log(`memory, ${count} containers, ${engine.name}: ${text}`);
      removeAll(engine);
    }
}

/** @param rounds of the rates, which take long */
export function networkGroup(rounds = 3): Group {
  return {
    scenarios: starts(),
    report: async (engines) => {
      if (Bun.which("iperf3") === null) console.log("\nrates: iperf3 is not installed");
      else printRates(engines, rounds);
      for (const engine of engines)
        console.log(
          `\nrequests/s through a published port, ${engine.name}: ${(await requestsPerSecond(engine)).toFixed(0)}`,
        );
      printMemory(engines);
    },
    close: () => {},
  };
}
