/**
 * Compares kelp with the peers that are installed, by turns in one run: medians and ratios.
 *
 *   npm run bench [-- --rounds N] [--only WORDS] [--large MEGABYTES]
 *
 * As root, BENCH_USER names the account that runs the containers (memory can be read then);
 * BENCH_PODMAN names another podman. The times include the start of each program from here.
 */
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { busyboxArchive, busyboxRootfs } from "../test/support/images.ts";
import { crunBundle, type Engine, makeEngines, scratch } from "./engines.ts";
import { makeLargeImage } from "./large-image.ts";
import { ownProcesses, residentPerContainer } from "./memory.ts";
import { IMAGE, type Scenario, scenarios } from "./scenarios.ts";

const DETACHED = 20;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function row(name: string, cells: readonly string[]): void {
  console.log([name.padEnd(24), ...cells.map((cell) => cell.padStart(16))].join(""));
}

function milliseconds(value: number): string {
  return `${value.toFixed(1)} ms`;
}

async function timed(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function measure(scenario: Scenario, engines: readonly Engine[], rounds: number): Promise<number[]> {
  const times = engines.map((): number[] => []);
  for (const engine of engines) scenario.prepare?.(engine);
  for (let round = -1; round < rounds; round++) {
    for (const [index, engine] of engines.entries()) {
      const time = await timed(() => scenario.measure(engine));
      if (round >= 0) times[index]?.push(time); // the first round warms up
      scenario.tidy?.(engine);
    }
  }
  for (const engine of engines) scenario.finish?.(engine);
  return times.map(median);
}

function ratios(values: readonly number[]): string[] {
  const [own = Number.NaN] = values;
  return values.slice(1).map((value) => `${(value / own).toFixed(1)} x`);
}

async function baseline(name: string, rounds: number, work: () => unknown): Promise<void> {
  const times: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const time = await timed(work);
    if (round >= 0) times.push(time);
  }
  row(name, [milliseconds(median(times))]);
}

function measureMemory(engines: readonly Engine[]): void {
  for (const engine of engines) {
    const before = ownProcesses();
    for (let number = 0; number < DETACHED; number++) engine.run(["run", "-d", IMAGE, "sleep", "1000"]);
    const found = residentPerContainer(before, DETACHED);
    const text = found
      ? `${found.kilobytes.toFixed(0)} kB private (${found.what})`
      : "cannot be read without root";
    console.log(`memory per detached container, ${engine.name}: ${text}`);
    engine.run(["rm", "-f", "-t", "0", "-a"]);
  }
}

async function runScenarios(
  engines: readonly Engine[],
  archive: string | undefined,
  rounds: number,
  only: string,
) {
  const peers = engines.slice(1).map(({ name }) => `${name}/kelp`);
  row("", [...engines.map(({ name }) => name), ...peers]);
  for (const scenario of scenarios(archive).filter(({ name }) => name.includes(only))) {
    const values = await measure(scenario, engines, Math.min(rounds, scenario.rounds ?? rounds));
    row(scenario.name, [...values.map(milliseconds), ...ratios(values)]);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: "string" }, only: { type: "string" }, large: { type: "string" } },
  });
  const rounds = Number(values.rounds ?? 15);
  const only = values.only ?? "";
  const work = scratch("work", "/var/tmp");
  chmodSync(work, 0o755); // archives that the account must be able to read
  process.env.KELP_TEST_CACHE = work;
  const large = values.large ? await makeLargeImage(work, Number(values.large)) : undefined;
  const engines = makeEngines();
  const crun = crunBundle(await busyboxRootfs());
  try {
    for (const engine of engines) {
      console.log(`${engine.name}: ${engine.version}`);
      engine.run(["load", "-q", "-i", await busyboxArchive()]);
    }
    await runScenarios(engines, large?.archive, rounds, only);
    if (crun && "run --rm".includes(only)) await baseline("crun alone", rounds, crun.run);
    if (large && "load".includes(only)) {
      const unpack = join(work, "unpacked");
      const tar = `rm -rf '${unpack}' && mkdir '${unpack}' && tar -xf '${large.layer}' -C '${unpack}'`;
      await baseline("tar x of the same", 3, () => Bun.spawnSync(["sh", "-c", tar]));
    }
    if ("memory".includes(only)) measureMemory(engines);
  } finally {
    for (const engine of engines) engine.remove();
    crun?.remove();
    rmSync(work, { recursive: true, force: true });
  }
}

await main();
