/** Every check over the facts of a machine. */
import type { Context } from "../../state/index.ts";
import { KERNEL_CHECKS } from "./checks-kernel.ts";
import { NETWORK_CHECKS } from "./checks-network.ts";
import { SESSION_CHECKS } from "./checks-session.ts";
import { PROGRAM_MOUNT, STORE_CHECKS } from "./checks-store.ts";
import type { DoctorFacts } from "./facts.ts";
import type { Check, CheckOf, Finding } from "./finding.ts";
import { cacheFacts, gatherFacts } from "./gather.ts";

/** In the order in which they are worth mending. */
export const DOCTOR_CHECKS: readonly Check[] = [
  ...KERNEL_CHECKS,
  ...STORE_CHECKS,
  ...SESSION_CHECKS,
  ...NETWORK_CHECKS,
];

export interface Diagnosis {
  readonly check: string;
  readonly about: string;
  /** Absent: all is well. */
  readonly finding?: Finding;
}

export function diagnose(facts: DoctorFacts): Diagnosis[] {
  return DOCTOR_CHECKS.map((check) => diagnosis(check, facts));
}

function diagnosis<F>({ name, about, look }: CheckOf<F>, facts: F): Diagnosis {
  const found = look(facts);
  return { check: name, about, ...(found === undefined ? {} : { finding: { check: name, ...found } }) };
}

/** Looks at this machine. Where holdfast cannot run, that is all that can be said of it. */
export function examine(ctx: Context): Diagnosis[] {
  const first = diagnosis(PROGRAM_MOUNT, { cache: cacheFacts(ctx) });
  return first.finding === undefined ? diagnose(gatherFacts(ctx)) : [first];
}

/** No finding is a problem: containers run, and as they should. */
export function isWell(diagnoses: readonly Diagnosis[]): boolean {
  return diagnoses.every(({ finding }) => finding?.severity !== "problem");
}
