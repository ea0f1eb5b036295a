/** Builds: cold, warm, after a change, side by side, and one that writes many files. buildah is there besides podman, which builds with its library. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive } from "../test/support/images.ts";
import { type Engine, makeEngine, podmanSettings } from "./engines.ts";
import type { Group } from "./images.ts";
import { IMAGE, type Peer, type Scenario } from "./scenarios.ts";

const STEPS = 15;
const FILES = 20_000;
const PER_DIRECTORY = 100;
const ROUNDS = 5;
/** A cold build of so many files takes some engines a minute on a busy disk; give BENCH_STORE a directory in memory. */
const ROUNDS_OF_FILES = 2;
const FROM = `FROM ${IMAGE}\n`;

/** podman and buildah without a runtime and a network for their steps: less work for them, and nothing of the machine is asked for. */
const PEER_FLAGS = ["--isolation", "chroot", "--network", "host", "--layers", "--jobs", "4"];

function flagsOf(name: string): readonly string[] {
  return name === "kelp" ? ["--network", "host"] : PEER_FLAGS;
}

function context(work: string, name: string, files: Readonly<Record<string, string>>): string {
  const directory = join(work, name);
  mkdirSync(directory);
  for (const [path, content] of Object.entries(files)) writeFileSync(join(directory, path), content);
  chmodSync(directory, 0o755);
  return directory;
}

function sources(directory: string): void {
  for (let index = 0; index < FILES; index++) {
    const parent = join(directory, `d${Math.floor(index / PER_DIRECTORY)}`);
    if (index % PER_DIRECTORY === 0) mkdirSync(parent, { mode: 0o755 });
    writeFileSync(join(parent, `f${index % PER_DIRECTORY}.c`), `int f${index}(void) { return ${index}; }\n`);
  }
}

interface Build {
  readonly name: string;
  readonly directory: string;
  readonly cold: boolean;
  readonly rounds?: number;
  /** Before each build, as part of what is timed. */
  readonly change?: () => void;
}

function scenario(
  { name, directory, cold, rounds = ROUNDS, change }: Build,
  buildah: Engine | undefined,
): Scenario {
  const build = (engine: Engine, fresh = cold) => {
    change?.();
    engine.run(["build", "-q", ...flagsOf(engine.name), ...(fresh ? ["--no-cache"] : []), directory]);
  };
  const peer: Peer[] = buildah === undefined ? [] : [{ name: "buildah", run: () => build(buildah) }];
  return {
    name,
    rounds,
    peers: peer,
    prepare: (engine) => {
      if (cold) return;
      build(engine);
      // The peer has no preparation of its own.
      if (engine.name === "kelp" && buildah !== undefined) build(buildah);
    },
    measure: (engine) => build(engine),
  };
}

function openBuildah(): Engine | undefined {
  const program = Bun.which("buildah");
  return program === null ? undefined : makeEngine({ name: "buildah", program, configure: podmanSettings });
}

export async function buildGroup(work: string): Promise<Group> {
  const steps = Array.from({ length: STEPS - 1 }, (_, index) => `RUN echo ${index} > /file-${index}\n`);
  const stages = ["a", "b", "c", "d"].map(
    (name) => `FROM ${IMAGE} AS ${name}\nRUN sleep 0.5; echo ${name} > /${name}\n`,
  );
  const joined = ["a", "b", "c", "d"].map((name) => `COPY --from=${name} /${name} /${name}\n`);
  const write = `i=0; while [ $i -lt ${FILES} ]; do echo $i > /files/$i; i=$((i+1)); done`;
  const plain = context(work, "steps", { Dockerfile: FROM + steps.join("") });
  const large = context(work, "sources", {
    Dockerfile: `${FROM}COPY . /src\nRUN ls /src | wc -l > /count\n`,
  });
  sources(large);
  const four = context(work, "stages", { Dockerfile: `${stages.join("")}${FROM}${joined.join("")}` });
  const many = context(work, "many", { Dockerfile: `${FROM}RUN mkdir /files && ${write}\n` });
  const buildah = openBuildah();
  buildah?.run(["pull", "-q", `docker-archive:${await busyboxArchive()}`]);
  let number = 0;
  const change = () => writeFileSync(join(large, "d7", "f7.c"), `int changed = ${++number};\n`);
  const builds: Build[] = [
    { name: `${STEPS} steps, cold`, directory: plain, cold: true },
    { name: `${STEPS} steps, nothing changed`, directory: plain, cold: false },
    { name: `${FILES} files copied, cold`, directory: large, cold: true, rounds: ROUNDS_OF_FILES },
    { name: `${FILES} files, nothing changed`, directory: large, cold: false },
    { name: `one of ${FILES} files changed`, directory: large, cold: false, rounds: ROUNDS_OF_FILES, change },
    { name: "four stages of half a second, cold", directory: four, cold: true },
    { name: `a step that writes ${FILES} files`, directory: many, cold: true, rounds: ROUNDS_OF_FILES },
  ];
  return { scenarios: builds.map((build) => scenario(build, buildah)), close: () => buildah?.remove() };
}
