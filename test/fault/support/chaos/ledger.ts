/**
 * What kelp has acknowledged, and so must keep: facts, each about one object (`container c1`, `volume v0`), until a command
 * that may have ended it. With several workers neither is a point in time: a fact holds from the beginning of the command
 * that made it, and whatever ended no earlier puts it in doubt.
 */

/** Says what is wrong, or nothing. */
export type Check = () => Promise<string | undefined>;

export interface Fact {
  readonly object: string;
  readonly what: string;
  readonly check: Check;
}

interface Kept extends Fact {
  readonly begun: number;
  readonly move: object;
}

export class Ledger {
  readonly #facts: Kept[] = [];
  readonly #ends: { readonly object: string; readonly time: number; readonly move: object }[] = [];

  /** @param begun when the command began that made it */
  add(fact: Fact, begun: number, move: object): void {
    this.#facts.push({ ...fact, begun, move });
  }

  /** Something may have ended the object, or all of its kind (`volume *`), at the latest just now. */
  end(object: string, move: object): void {
    this.#ends.push({ object, time: performance.now(), move });
  }

  get standing(): Fact[] {
    return this.#facts.filter((fact) => this.#stands(fact));
  }

  /** Facts about an object that have held since before `time`. */
  about(object: string, time: number): Fact[] {
    return this.#facts.filter((fact) => fact.object === object && fact.begun < time && this.#stands(fact));
  }

  /** What a command ends does not put in doubt what it makes. */
  #stands({ object, begun, move }: Kept): boolean {
    const kind = `${object.split(" ", 1)[0]} *`;
    return !this.#ends.some(
      (end) => (end.object === object || end.object === kind) && end.time >= begun && end.move !== move,
    );
  }
}
