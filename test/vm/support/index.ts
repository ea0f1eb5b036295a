/** What a test file of the virtual machine begins with. */
import { afterAll, beforeAll } from "bun:test";
import { missing, noteMissing, requires } from "../../support/index.ts";
import { guestImage, NoPackages } from "./image.ts";
import type { Machine } from "./machine.ts";
import { readyMachine } from "./ready.ts";

/** Bounds for a busy machine. The first file of a run may have to make the image. */
const START_MS = 20 * 60_000;
const TEST_MS = 15 * 60_000;

export interface Guest {
  /** A test in the machine of this file. */
  test(name: string, body: () => unknown): void;
  /** Runs a script in a login session of the user kelp, who lingers; it has to succeed. */
  kelp(script: string): Promise<string>;
  root(script: string): Promise<string>;
  readonly machine: Machine;
}

/** A machine for this file, logged in, with the image in the stores of the users kelp and guest. */
export async function useGuest(): Promise<Guest> {
  if (missing("vm") === undefined) noteMissing("vm", await whyNoImage(guestImage));
  const needs = requires("vm");
  let machine: Machine | undefined;
  const running = () => {
    if (machine === undefined) throw new Error("there is no machine");
    return machine;
  };
  beforeAll(async () => {
    if (needs.missing === undefined) machine = await readyMachine();
  }, START_MS);
  afterAll(() => machine?.end());
  return {
    test: (name, body) => needs.test(name, () => explained(body, machine), TEST_MS),
    kelp: (script) => running().ok("login:kelp", script),
    root: (script) => running().ok("root", script),
    get machine() {
      return running();
    },
  };
}

/** A test that prints, where it fails, what went on in the machine. */
async function explained(body: () => unknown, machine: Machine | undefined): Promise<void> {
  try {
    await body();
  } catch (error) {
    console.log(await machine?.story());
    throw error;
  }
}

/** Makes what a machine begins with; where Debian's packages cannot be had, its tests are skipped for that reason. */
export async function whyNoImage(make: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await make();
    return undefined;
  } catch (error) {
    if (error instanceof NoPackages) return error.message;
    throw error;
  }
}
