/**
 * Whatever several people do with one store at once, and whatever is killed meanwhile: nothing that was acknowledged is lost,
 * nothing is left without an owner, and no command ends in a way nobody has documented.
 * TEST_SEED repeats a run, as far as time can be repeated; TEST_BURSTS makes it longer.
 */
import { afterEach, expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxFiles, makeTar, requires, useSandbox } from "../support/index.ts";
import { type Chaos, Run } from "./support/chaos/chaos.ts";
import { keepBusy, killSomebody } from "./support/chaos/faults.ts";
import { Ledger } from "./support/chaos/ledger.ts";

const box = useSandbox("030-chaos");
const { test } = requires("busybox", "overlay", "subuid");
const SEED = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const BURSTS = Number(process.env.TEST_BURSTS ?? 1);
const data = join(box.directory, "data", "kelp");
const context = join(box.directory, "context");

async function unleash(chaos: Omit<Chaos, "bursts" | "workers">): Promise<void> {
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, "file"), "from the host");
  writeFileSync(
    join(context, "Containerfile"),
    `FROM ${BUSYBOX}\nARG N\nRUN echo $N >/n\nCOPY file /file\nVOLUME /made\n`,
  );
  const archive = join(context, "root.tar");
  writeFileSync(archive, await makeTar(busyboxFiles()));
  const run = new Run(
    { box, data, ledger: new Ledger(), context, archive },
    { workers: 3, bursts: BURSTS, ...chaos },
  );
  await run.toItsEnd();
  if (run.problems.length > 0 || process.env.TEST_STORY === "1") console.error(run.story.join("\n"));
  expect({ seed: chaos.seed, problems: run.problems }).toEqual({ seed: chaos.seed, problems: [] });
}

afterEach(async () => {
  await box.kelp(["rm", "--all", "--force", "--time", "0"]);
});

test("calm: commands that disagree", () => unleash({ seed: SEED, moves: 40, kills: 0, faults: [] }), 600_000);

test(
  "commands, monitors and keepers that are killed",
  () =>
    unleash({
      seed: SEED,
      moves: 40,
      kills: 0.15,
      faults: [killSomebody([box.directory, box.runtime]), keepBusy(data)],
    }),
  600_000,
);
