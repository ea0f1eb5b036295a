/** Networks: what attaching costs, how fast bytes and requests go, and what many containers take. Rates need iperf3. */
import type { Engine } from "./engines.ts";
import type { Group } from "./images.ts";
import { removeAll, reportMany } from "./many.ts";
import { ownProcesses, residentPerContainer } from "./memory.ts";
import { printRates } from "./rates.ts";
import { IMAGE, type Scenario } from "./scenarios.ts";

const ROUNDS_OF_RATES = 3;
const REQUESTS = 2000;
const WORKERS = 8;
const COUNTS = [1, 40];
const PORT = 25_205;
/** Until the kernel has taken down the network of a container that has ended; new ones wait for that. */
const TAKE_DOWN_MS = 300;
/** How many share a network at the end: each of podman's has a monitor of several megabytes. */
const MANY: Readonly<Record<string, number>> = { kelp: Number(process.env.BENCH_MANY ?? 500) };
const MANY_OTHERS = 50;
const NO_NETWORK = ["--network", "none"];

const runTrue = (flags: readonly string[]) => (engine: Engine) =>
  void engine.run(["run", "--rm", ...flags, IMAGE, "true"]);

function starts(): Scenario[] {
  const alive = {
    prepare: (engine: Engine) => void engine.run(["run", "-d", IMAGE, "sleep", "1000"]),
    finish: removeAll,
  };
  const apart = { tidy: () => Bun.sleepSync(TAKE_DOWN_MS) };
  return [
    { name: "run --rm true, no network", ...apart, measure: runTrue(NO_NETWORK) },
    { name: "run --rm true, the first container", ...apart, measure: runTrue([]) },
    { name: "run --rm true, no network, beside another", ...apart, ...alive, measure: runTrue(NO_NETWORK) },
    { name: "run --rm true, beside another", ...apart, ...alive, measure: runTrue([]) },
    { name: "run --rm true twice, no network", ...apart, share: 2, measure: twice(NO_NETWORK) },
    { name: "run --rm true twice, one after the other", ...apart, share: 2, measure: twice([]) },
  ];
}

const twice = (flags: readonly string[]) => (engine: Engine) => {
  for (let left = 2; left > 0; left--) runTrue(flags)(engine);
};

async function requestsPerSecond(engine: Engine): Promise<number> {
  const script = "mkdir /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w";
  engine.run(["run", "-d", "--name", "web", "-p", `${PORT}:80`, IMAGE, "sh", "-c", script]);
  const get = () => fetch(`http://127.0.0.1:${PORT}/`, { keepalive: false }).then((got) => got.text());
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

async function reportRequests(engines: readonly Engine[]): Promise<void> {
  for (const engine of engines)
    console.log(
      `requests/s through a published port, ${engine.name}: ${(await requestsPerSecond(engine)).toFixed(0)}`,
    );
}

function memoryOf(engine: Engine, count: number, flags: readonly string[]): string {
  const before = ownProcesses();
  for (let n = 0; n < count; n++) engine.run(["run", "-d", ...flags, IMAGE, "sleep", "1000"]);
  const found = residentPerContainer(before, count);
  removeAll(engine);
  return found
    ? `${found.kilobytes.toFixed(1)} kB private each (${found.what})`
    : "cannot be read without root";
}

function reportMemory(engines: readonly Engine[]): void {
  for (const engine of engines)
    for (const count of COUNTS) {
      const name = `memory, ${count} container${count > 1 ? "s" : ""}, ${engine.name}`;
      console.log(`${name}, no network: ${memoryOf(engine, count, NO_NETWORK)}`);
      console.log(`${name}: ${memoryOf(engine, count, [])}`);
    }
}

/** The first container knocks at every other one, where nobody listens: that it is told so shows that they are there. */
function reach(engine: Engine, count: number): string {
  const names = Array.from({ length: count - 1 }, (_, n) => `many${n + 1}`);
  const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
  const addresses = engine.run(["inspect", "--format", format, ...names]).split("\n");
  const script = 'for at; do nc -w 5 "$at" 9 </dev/null 2>&1 | grep refused; done | wc -l';
  const started = performance.now();
  const found = engine.run(["exec", "many0", "sh", "-c", script, "sh", ...addresses]);
  return `${found} of ${addresses.length} answer the first in ${((performance.now() - started) / 1000).toFixed(2)} s`;
}

async function reportManyOnOneNetwork(engines: readonly Engine[]): Promise<void> {
  for (const engine of engines) {
    const count = MANY[engine.name] ?? MANY_OTHERS;
    engine.run(["network", "create", "--subnet", "10.240.0.0/20", "many"]);
    await reportMany(engine, { count, flags: ["--network", "many"], look: reach });
  }
}

/** `--only` takes rows of both tables, or one of `requests`, `memory`, `many`. */
export function networkGroup(): Group {
  return {
    scenarios: starts(),
    selective: true,
    report: async (engines, only) => {
      if (Bun.which("iperf3") === null) console.log("\nrates: iperf3 is not installed");
      else printRates(engines, ROUNDS_OF_RATES, only);
      console.log("");
      if ("requests".includes(only)) await reportRequests(engines);
      if ("memory".includes(only)) reportMemory(engines);
      if ("many".includes(only)) await reportManyOnOneNetwork(engines);
    },
    close: () => {},
  };
}
