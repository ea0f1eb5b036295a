/** Many containers at once: how long it takes to start, list, stop and remove them, and what each of them costs. */
import type { Engine } from "./engines.ts";
import { ownProcesses, residentPerContainer } from "./memory.ts";
import { IMAGE } from "./scenarios.ts";

const AT_ONCE = 4;

/** A container that does nothing for long. */
export const sleeping = (name: string, flags: readonly string[]) => [
  ...["run", "-d", ...flags, "--name", name],
  ...[IMAGE, "sleep", "10000"],
];

export const removeAll = (engine: Engine) => void engine.run(["rm", "-f", "-t", "0", "-a"]);

/** Starts `many0` and so on, some at a time. */
export async function startMany(engine: Engine, count: number, flags: readonly string[]): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const code = await engine.start(sleeping(`many${next++}`, flags));
      if (code !== 0) throw new Error(`${engine.name}: a container could not be started`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function seconds(work: () => unknown): Promise<string> {
  const started = performance.now();
  await work();
  return ((performance.now() - started) / 1000).toFixed(2);
}

interface Many {
  readonly count: number;
  readonly flags: readonly string[];
  /** Something to look at while all of them run; what it says is printed. */
  look?(engine: Engine, count: number): string;
}

/** From the first start to the last removal, in a line. */
export async function reportMany(engine: Engine, { count, flags, look }: Many): Promise<void> {
  const before = ownProcesses();
  const start = await seconds(() => startMany(engine, count, flags));
  const found = residentPerContainer(before, count);
  const memory =
    found === undefined
      ? "memory not readable"
      : `${found.kilobytes.toFixed(0)} kB private each (${found.what})`;
  const list = await seconds(() => engine.run(["ps", "-q"]));
  const table = await seconds(() => engine.run(["ps"]));
  const seen = look === undefined ? "" : `${look(engine, count)}, `;
  const stop = await seconds(() => engine.run(["stop", "-t", "0", "-a"]));
  const remove = await seconds(() => removeAll(engine));
  console.log(
    `${count} containers, ${engine.name}: start ${start} s, ps -q ${list} s, ps ${table} s, ${seen}stop ${stop} s, rm ${remove} s; ${memory}`,
  );
}
