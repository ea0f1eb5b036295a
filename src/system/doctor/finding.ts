/** What a check comes to. */
import type { DoctorFacts } from "./facts.ts";

/** problem: containers do not run, or not as promised; advice: something could be better. */
export type Severity = "problem" | "advice";

export interface Finding {
  /** Name of the check. */
  readonly check: string;
  readonly severity: Severity;
  readonly what: string;
  /** What one cannot do, or has to put up with. */
  readonly costs: string;
  /** Commands that mend it, in this order; empty: nobody can. */
  readonly fix: readonly string[];
}

/** @typeParam F the facts that it is decided by */
export interface CheckOf<F> {
  /** Errors elsewhere name it. */
  readonly name: string;
  /** What is looked at. */
  readonly about: string;
  readonly look: (facts: F) => Omit<Finding, "check"> | undefined;
}

export type Check = CheckOf<DoctorFacts>;

export const problem = (what: string, costs: string, ...fix: readonly string[]): Omit<Finding, "check"> => ({
  severity: "problem",
  what,
  costs,
  fix,
});

export const advice = (what: string, costs: string, ...fix: readonly string[]): Omit<Finding, "check"> => ({
  severity: "advice",
  what,
  costs,
  fix,
});
