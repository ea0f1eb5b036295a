/** What is measured. Each scenario is timed by turns: one run of every engine, then the next round. */
import { availableParallelism } from "node:os";
import type { Engine } from "./engines.ts";

export const IMAGE = "localhost/busybox:latest";

/** Something else than an engine that does the same work, timed in the same rounds. */
export interface Peer {
  readonly name: string;
  run(): void;
  /** After every measurement, not timed. */
  tidy?(): void;
}

export interface Scenario {
  readonly name: string;
  /** What kelp promises, in milliseconds. */
  readonly goal?: number;
  /** Fewer rounds than asked for, where one takes long. */
  readonly rounds?: number;
  readonly peers?: readonly Peer[];
  prepare?(engine: Engine): void;
  /** What is timed. */
  measure(engine: Engine): void | Promise<void>;
  /** What the time is divided by. */
  readonly share?: number;
  /** After every measurement, not timed. */
  tidy?(engine: Engine): void;
  finish?(engine: Engine): void;
}

const NO_NETWORK = ["--network", "none"];
export const PARALLEL = 16;
/** Serial runs that the parallel ones are compared with. */
const SERIAL = 4;

export const SERIAL_NAME = "run --rm, serial";
export const PARALLEL_NAME = `run --rm, ${PARALLEL} at once × cores`;

const runTrue = ["run", "--rm", ...NO_NETWORK, IMAGE, "true"];
const sleeping = (name: string) => ["run", "-d", ...NO_NETWORK, "--name", name, IMAGE, "sleep", "1000"];
const removeAll = (engine: Engine) => void engine.run(["rm", "-f", "-t", "0", "-a"]);

function withTen(name: string, goal: number, args: readonly string[]): Scenario {
  return {
    name,
    goal,
    prepare: (engine) => {
      for (let number = 0; number < 10; number++) engine.run(sleeping(`ten${number}`));
    },
    measure: (engine) => void engine.run(args),
    finish: removeAll,
  };
}

const detached: Scenario = {
  name: "run -d",
  measure: (engine) => void engine.run(sleeping("detached")),
  tidy: (engine) => void engine.run(["rm", "-f", "-t", "0", "detached"]),
};

const exec: Scenario = {
  name: "exec true",
  goal: 18,
  prepare: (engine) => void engine.run(sleeping("inside")),
  measure: (engine) => void engine.run(["exec", "inside", "true"]),
  finish: removeAll,
};

const serial: Scenario = {
  name: SERIAL_NAME,
  rounds: 7,
  share: SERIAL,
  measure: (engine) => {
    for (let number = 0; number < SERIAL; number++) engine.run(runTrue);
  },
};

/** Per container and core: equal to the serial time if running at once costs nothing. */
const parallel: Scenario = {
  name: PARALLEL_NAME,
  rounds: 7,
  share: PARALLEL / Math.min(PARALLEL, availableParallelism()),
  measure: async (engine) => {
    const codes = await Promise.all(Array.from({ length: PARALLEL }, () => engine.start(runTrue)));
    const failed = codes.filter((code) => code !== 0).length;
    if (failed > 0) throw new Error(`${engine.name}: ${failed} of ${PARALLEL} parallel runs failed`);
  },
};

function load(archive: string, tar: Peer): Scenario {
  return {
    name: "load, large image",
    rounds: 3,
    peers: [tar],
    measure: (engine) => void engine.run(["load", "-q", "-i", archive]),
    tidy: (engine) => void engine.run(["rmi", "-f", "localhost/large:latest"]),
  };
}

/** @param large a large docker-archive and `tar x` of the same bytes, if wanted */
export function scenarios(
  crun: Peer | undefined,
  large: { readonly archive: string; readonly tar: Peer } | undefined,
): Scenario[] {
  return [
    { name: "run --rm true", measure: (engine) => void engine.run(["run", "--rm", IMAGE, "true"]) },
    {
      name: "run --rm true, no network",
      goal: 25,
      ...(crun === undefined ? {} : { peers: [crun] }),
      measure: (engine) => void engine.run(runTrue),
    },
    detached,
    exec,
    withTen("ps, 10 running", 12, ["ps"]),
    { name: "images", goal: 12, measure: (engine) => void engine.run(["images"]) },
    withTen("inspect", 12, ["inspect", "ten0"]),
    serial,
    parallel,
    ...(large === undefined ? [] : [load(large.archive, large.tar)]),
  ];
}
