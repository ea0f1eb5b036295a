/** Collects operations in the order of their stages, each with the option it comes from. */
import {
  type OpArgs,
  type OpName,
  type Plan,
  type PlanOp,
  STAGES,
  type Stage,
  TOLERATE,
} from "./plan/ops.ts";

/**
 * Slots with a meaning of their own; a slot below 8 keeps what it holds until the end of the plan.
 * TREE and FD are scratch: filled and used within one group of operations.
 */
export const SLOT = {
  root: 0,
  proc: 1,
  null: 2,
  terminal: 3,
  merged: 4,
  holder: 5,
  dev: 6,
  cgroup: 7,
  tree: 8,
  fd: 9,
  outerCgroup: 10,
  /** The shared network's, from the monitor's start to the container's last interface. */
  netlink: 11,
  sharedNet: 12,
  ownNetlink: 13,
  /** A user namespace to be joined. */
  users: 50,
  /** Somebody else's /dev/shm, and the way back from where it is. */
  shm: 51,
  ownMounts: 52,
  /** The service manager's socket. */
  notify: 14,
  sharedCgroup: 15,
} as const;

export interface OpOptions {
  readonly origin?: string | undefined;
  readonly tolerate?: number;
}

export class PlanBuilder {
  readonly #ops: PlanOp[];

  /** @param ops what there is already */
  constructor(ops: readonly PlanOp[] = []) {
    this.#ops = [...ops];
  }

  add<N extends OpName>(stage: Stage, op: N, args: OpArgs<N>, options: OpOptions = {}): void {
    const { origin, tolerate = TOLERATE.none } = options;
    this.#ops.push({
      op,
      stage,
      args,
      ...(tolerate === TOLERATE.none ? {} : { tolerate }),
      ...(origin === undefined ? {} : { origin }),
    } as PlanOp);
  }

  /** Operations by stage; within a stage in the order in which they were added. */
  build(): Plan {
    const order = (op: PlanOp) => STAGES.indexOf(op.stage);
    return { ops: this.#ops.toSorted((a, b) => order(a) - order(b)) };
  }
}
