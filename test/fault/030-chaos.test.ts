/**
 * Whatever several people do with one store at once, and whatever is killed meanwhile: nothing that was acknowledged is lost,
 * nothing is left without an owner, and no command ends in a way nobody has documented.
 */
import { join } from "node:path";
import { requires, useSandbox } from "../support/index.ts";
import { keepBusy, killSomebody } from "./support/chaos/faults.ts";
import { SEED, unleash } from "./support/chaos/unleash.ts";

const box = useSandbox("030-chaos");
const { test } = requires("busybox", "overlay", "subuid");
const faults = [killSomebody([box.directory, box.runtime]), keepBusy(join(box.directory, "data", "kelp"))];
const LONG = 900_000;

test("calm: commands that disagree", () => unleash(box, { seed: 7, moves: 30, kills: 0, faults: [] }), LONG);

test(
  "killed: commands, monitors, keepers",
  () => unleash(box, { seed: 11, moves: 30, kills: 0.15, faults }),
  LONG,
);

test(
  `killed: the same at random (seed ${SEED})`,
  () => unleash(box, { seed: SEED, moves: 30, kills: 0.15, faults }),
  LONG,
);
