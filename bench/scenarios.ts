/** What is measured. Each scenario is timed by turns: one run of every engine, then the next round. */
import type { Engine } from "./engines.ts";

export const IMAGE = "localhost/busybox:latest";

export interface Scenario {
  readonly name: string;
  /** Fewer rounds than asked for, where one takes long. */
  readonly rounds?: number;
  prepare?(engine: Engine): void;
  measure(engine: Engine): void | Promise<void>;
  /** After every measurement, not timed. */
  tidy?(engine: Engine): void;
  finish?(engine: Engine): void;
}

const NETWORK = ["--network", "none"];
const PARALLEL = 16;

function withTen(name: string, args: readonly string[]): Scenario {
  return {
    name,
    prepare: (engine) => {
      for (let number = 0; number < 10; number++) {
        engine.run(["run", "-d", ...NETWORK, "--name", `ten${number}`, IMAGE, "sleep", "1000"]);
      }
    },
    measure: (engine) => void engine.run(args),
    finish: (engine) => void engine.run(["rm", "-f", "-t", "0", "-a"]),
  };
}

/** `archive` is a large docker-archive, if there is one. */
export function scenarios(archive: string | undefined): Scenario[] {
  const list: Scenario[] = [
    { name: "run --rm", measure: (engine) => void engine.run(["run", "--rm", ...NETWORK, IMAGE, "true"]) },
    {
      name: "run -d",
      measure: (engine) =>
        void engine.run(["run", "-d", ...NETWORK, "--name", "detached", IMAGE, "sleep", "1000"]),
      tidy: (engine) => void engine.run(["rm", "-f", "-t", "0", "detached"]),
    },
    {
      name: "exec",
      prepare: (engine) =>
        void engine.run(["run", "-d", ...NETWORK, "--name", "inside", IMAGE, "sleep", "1000"]),
      measure: (engine) => void engine.run(["exec", "inside", "true"]),
      finish: (engine) => void engine.run(["rm", "-f", "-t", "0", "inside"]),
    },
    withTen("ps (10 running)", ["ps"]),
    { name: "images", measure: (engine) => void engine.run(["images"]) },
    withTen("inspect", ["inspect", "ten0"]),
    {
      name: `${PARALLEL} parallel run --rm`,
      rounds: 5,
      measure: async (engine) => {
        const runs = Array.from({ length: PARALLEL }, () =>
          engine.start(["run", "--rm", ...NETWORK, IMAGE, "true"]),
        );
        const failed = (await Promise.all(runs)).filter((code) => code !== 0).length;
        if (failed > 0) throw new Error(`${engine.name}: ${failed} of ${PARALLEL} parallel runs failed`);
      },
    },
  ];
  if (archive === undefined) return list;
  return [
    ...list,
    {
      name: "load (large image)",
      rounds: 3,
      measure: (engine) => void engine.run(["load", "-q", "-i", archive]),
      tidy: (engine) => void engine.run(["rmi", "-f", "localhost/large:latest"]),
    },
  ];
}
