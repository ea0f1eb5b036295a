/**
 * Compares kelp with the peers that are installed, by turns in one run: medians and ratios, as a Markdown table.
 *
 *   npm run bench [-- --group core|images|network|builds|control] [--rounds N] [--only WORDS] [--large MEGABYTES]     --large 0: without the large image
 *
 * As root, BENCH_USER names the account that runs the containers (memory can be read then);
 * BENCH_PODMAN names another podman, BENCH_STORE a directory for the stores (one in memory, for instance). The times include the start of each program from here.
 */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { busyboxArchive, busyboxRootfs } from "../test/support/images.ts";
import { buildGroup } from "./builds.ts";
import { controlGroup } from "./control.ts";
import { crunBundle, type Engine, makeEngines, scratch } from "./engines.ts";
import { type Group, imageGroup } from "./images.ts";
import { makeLargeImage } from "./large-image.ts";
import { ownProcesses, residentPerContainer } from "./memory.ts";
import { networkGroup } from "./network.ts";
import { median, printHead, printParallel, printRow, printTableHead, type Times } from "./report.ts";
import { IMAGE, type Peer, type Scenario, scenarios } from "./scenarios.ts";

const DETACHED = 20;

async function timed(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** The first round warms up and does not count. */
async function measure(scenario: Scenario, engines: readonly Engine[], rounds: number): Promise<Times> {
  const times = new Map<string, number[]>();
  const note = (round: number, name: string, time: number) => {
    if (round > 0) times.set(name, [...(times.get(name) ?? []), time / (scenario.share ?? 1)]);
  };
  for (const engine of engines) scenario.prepare?.(engine);
  for (let round = 0; round <= rounds; round++) {
    for (const engine of engines) {
      note(round, engine.name, await timed(() => scenario.measure(engine)));
      scenario.tidy?.(engine);
    }
    for (const peer of scenario.peers ?? []) {
      note(round, peer.name, await timed(() => peer.run()));
      peer.tidy?.();
    }
  }
  for (const engine of engines) scenario.finish?.(engine);
  return new Map([...times].map(([name, values]) => [name, median(values)]));
}

function measureMemory(engines: readonly Engine[]): void {
  for (const engine of engines) {
    const before = ownProcesses();
    for (let number = 0; number < DETACHED; number++) engine.run(["run", "-d", IMAGE, "sleep", "1000"]);
    const found = residentPerContainer(before, DETACHED);
    const text = found
      ? `${found.kilobytes.toFixed(0)} kB private (${found.what} for ${DETACHED} containers)`
      : "cannot be read without root";
    console.log(`memory per detached container (goal 300 kB), ${engine.name}: ${text}`);
    engine.run(["rm", "-f", "-t", "0", "-a"]);
  }
}

async function runScenarios(engines: readonly Engine[], list: readonly Scenario[], rounds: number) {
  const names = engines.map(({ name }) => name);
  const results = new Map<string, Times>();
  printTableHead(names);
  for (const scenario of list) {
    const times = await measure(scenario, engines, Math.min(rounds, scenario.rounds ?? rounds));
    results.set(scenario.name, times);
    printRow(scenario, names, times);
  }
  printParallel(results, names);
}

async function prepareLarge(
  work: string,
  megabytes: number,
): Promise<{ archive: string; tar: Peer } | undefined> {
  if (megabytes === 0) return undefined;
  const { layer, archive } = await makeLargeImage(work, megabytes);
  const target = join(work, "unpacked");
  const tar: Peer = {
    name: "tar x",
    run: () => {
      mkdirSync(target);
      Bun.spawnSync(["tar", "-xf", layer, "-C", target]);
    },
    tidy: () => rmSync(target, { recursive: true, force: true }),
  };
  return { archive, tar };
}

async function coreGroup(work: string, _engines: readonly Engine[], megabytes: number): Promise<Group> {
  const large = await prepareLarge(work, megabytes);
  const crun = crunBundle(await busyboxRootfs());
  return {
    scenarios: scenarios(crun, large),
    report: async (engines) => measureMemory(engines),
    close: () => crun?.remove(),
  };
}

/** What is measured together; each prepares what it needs. */
const GROUPS: Readonly<
  Record<string, (work: string, engines: readonly Engine[], megabytes: number) => Promise<Group>>
> = {
  core: coreGroup,
  images: imageGroup,
  network: async () => networkGroup(),
  builds: buildGroup,
  control: controlGroup,
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      group: { type: "string" },
      rounds: { type: "string" },
      only: { type: "string" },
      large: { type: "string" },
    },
  });
  const rounds = Number(values.rounds ?? 15);
  const only = values.only ?? "";
  const work = scratch("work", "/var/tmp");
  chmodSync(work, 0o755); // archives that the account must be able to read
  process.env.KELP_TEST_CACHE = work;
  const engines = makeEngines();
  let group: Group | undefined;
  try {
    for (const engine of engines) engine.run(["load", "-q", "-i", await busyboxArchive()]);
    printHead(
      engines.map(({ name, version }) => (version.startsWith(name) ? version : `${name} ${version}`)),
      rounds,
    );
    const wanted = values.group ?? "core";
    const make = GROUPS[wanted];
    if (make === undefined) throw new Error(`there is no group ${wanted}: ${Object.keys(GROUPS).join(", ")}`);
    group = await make(work, engines, Number(values.large ?? 500));
    const list = group.scenarios.filter(({ name }) => name.includes(only));
    await runScenarios(engines, list, rounds);
    if (group.selective || "memory".includes(only)) await group.report?.(engines, only);
  } finally {
    group?.close();
    for (const engine of engines) engine.remove();
    rmSync(work, { recursive: true, force: true });
  }
}

await main();
