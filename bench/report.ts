/** The figures as a Markdown table, as bench/README.md has them. */
import { cpus, release } from "node:os";
import { PARALLEL_NAME, type Scenario, SERIAL_NAME } from "./scenarios.ts";

/** Median milliseconds by the name of engine or peer. */
export type Times = ReadonlyMap<string, number>;

const COLUMN = "crun, tar";

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function printHead(versions: readonly string[], rounds: number): void {
  const [cpu] = cpus();
  console.log(
    `${new Date().toISOString().slice(0, 10)}, Linux ${release()}, ${cpus().length} × ${cpu?.model}`,
  );
  console.log(`${versions.join("; ")}; medians of ${rounds} rounds by turns, in milliseconds\n`);
}

export function printTableHead(engines: readonly string[]): void {
  const titles = ["", ...engines, ...engines.slice(1).map((name) => `${name} / kelp`), COLUMN, "goal"];
  console.log(cells(titles));
  console.log(cells(titles.map((_, index) => (index === 0 ? "---" : "---:"))));
}

export function printRow(scenario: Scenario, engines: readonly string[], times: Times): void {
  const own = times.get("kelp") ?? Number.NaN;
  const values = engines.map((name) => times.get(name) ?? Number.NaN);
  const peers = [...times].filter(([name]) => !engines.includes(name));
  console.log(
    cells([
      scenario.name,
      ...values.map(milliseconds),
      ...values.slice(1).map((value) => `${(value / own).toFixed(1)} ×`),
      peers.map(([name, value]) => `${name} ${milliseconds(value)}`).join(", "),
      scenario.goal === undefined ? "" : `${scenario.goal}`,
    ]),
  );
}

/** What a container costs when 16 start at once, over what one costs alone. */
export function printParallel(results: ReadonlyMap<string, Times>, engines: readonly string[]): void {
  const [serial, parallel] = [results.get(SERIAL_NAME), results.get(PARALLEL_NAME)];
  if (serial === undefined || parallel === undefined) return;
  const ratios = engines.map(
    (name) => `${name} ${((parallel.get(name) ?? Number.NaN) / (serial.get(name) ?? Number.NaN)).toFixed(2)}`,
  );
  console.log(`\nat once / serial, per container and core (goal 1.3): ${ratios.join(", ")}`);
}

function milliseconds(value: number): string {
  return value >= 1000 ? value.toFixed(0) : value.toFixed(1);
}

function cells(values: readonly string[]): string {
  return `| ${values.join(" | ")} |`;
}
