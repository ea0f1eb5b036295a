/** Every check over the facts of a machine. Pure. */
import { KERNEL_CHECKS } from "./checks-kernel.ts";
import { NETWORK_CHECKS } from "./checks-network.ts";
import { SESSION_CHECKS } from "./checks-session.ts";
import { STORE_CHECKS } from "./checks-store.ts";
import type { DoctorFacts } from "./facts.ts";
import type { Check, Finding } from "./finding.ts";

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
  return DOCTOR_CHECKS.map(({ name, about, look }) => {
    const found = look(facts);
    return { check: name, about, ...(found === undefined ? {} : { finding: { check: name, ...found } }) };
  });
}

/** No finding is a problem: containers run, and as they should. */
export function isWell(diagnoses: readonly Diagnosis[]): boolean {
  return diagnoses.every(({ finding }) => finding?.severity !== "problem");
}
