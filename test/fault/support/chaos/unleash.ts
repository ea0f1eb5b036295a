/** Chaos in a test's sandbox. TEST_SEED repeats a run, as far as time can be repeated; TEST_BURSTS makes it longer. */
import { expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxFiles, makeTar, type Sandbox } from "../../../support/index.ts";
import { type Chaos, Run } from "./chaos.ts";
import { Ledger } from "./ledger.ts";

export const SEED = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const BURSTS = Number(process.env.TEST_BURSTS ?? 1);

/** Fails with what was wrong, and tells what happened. */
export async function unleash(box: Sandbox, how: Omit<Chaos, "bursts" | "workers">): Promise<void> {
  const context = join(box.directory, "context");
  const archive = join(context, "root.tar");
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, "file"), "from the host");
  writeFileSync(
    join(context, "Containerfile"),
    `FROM ${BUSYBOX}\nARG N\nRUN echo $N >/n\nCOPY file /file\nVOLUME /made\n`,
  );
  writeFileSync(archive, await makeTar(busyboxFiles()));
  const world = { box, data: join(box.env.XDG_DATA_HOME!, "kelp"), ledger: new Ledger(), context, archive };
  const run = new Run(world, { workers: 3, bursts: BURSTS, ...how });
  await run.toItsEnd();
  if (run.problems.length > 0 || process.env.TEST_STORY === "1") console.error(run.story.join("\n"));
  expect({ seed: how.seed, problems: run.problems }).toEqual({ seed: how.seed, problems: [] });
}
