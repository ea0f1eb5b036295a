/** Running containers: exec, many execs at once, stats of many, copies of many files, and a thousand containers. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "./engines.ts";
import type { Group } from "./images.ts";
import { removeAll, reportMany, sleeping, startMany } from "./many.ts";
import type { Peer, Scenario } from "./scenarios.ts";

const EXECS = 100;
const WATCHED = 200;
const FILES = 20_000;
/** How many containers run at once at the end: podman's each have a monitor of several megabytes. */
const MANY: Readonly<Record<string, number>> = { kelp: Number(process.env.BENCH_MANY ?? 1000) };
const MANY_OTHERS = 50;

const NO_NETWORK = ["--network", "none"];

const exec: Scenario = {
  name: "exec true",
  prepare: (engine) => void engine.run(sleeping("inside", NO_NETWORK)),
  measure: (engine) => void engine.run(["exec", "inside", "true"]),
  finish: removeAll,
};

const execs: Scenario = {
  name: `${EXECS} execs at once`,
  rounds: 5,
  prepare: (engine) => void engine.run(sleeping("inside", NO_NETWORK)),
  measure: async (engine) => {
    const codes = await Promise.all(
      Array.from({ length: EXECS }, () => engine.start(["exec", "inside", "true"])),
    );
    const failed = codes.filter((code) => code !== 0).length;
    if (failed > 0) throw new Error(`${engine.name}: ${failed} of ${EXECS} execs failed`);
  },
  finish: removeAll,
};

/** Makes many small files, forty to a directory; once. */
function makeFiles(root: string): void {
  if (existsSync(root)) return;
  for (let number = 0; number < FILES; number++) {
    const directory = join(root, `${Math.floor(number / 40)}`);
    if (number % 40 === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `${number}`), `file ${number}\n`.repeat(20));
  }
  chmodSync(root, 0o755);
}

function copies(root: string, engines: readonly Engine[]): Scenario {
  const tidy = (engine: Engine) => void engine.run(["exec", "inside", "rm", "-rf", "/tmp/files"]);
  const peers = engines.map((engine): Peer => {
    const into = engine.command(["exec", "-i", "inside", "tar", "x", "-C", "/tmp"]);
    const script = `tar c -C "$0" files | "$@"`;
    return {
      name: `tar | ${engine.name} exec`,
      run: () => {
        const command = ["sh", "-c", script, join(root, ".."), ...into];
        const { success, stderr } = Bun.spawnSync(command, {
          env: engine.env,
          cwd: engine.home,
          stderr: "pipe",
        });
        if (!success) throw new Error(stderr.toString());
      },
      tidy: () => tidy(engine),
    };
  });
  return {
    name: `cp of ${FILES} files`,
    rounds: 5,
    peers,
    prepare: (engine) => {
      makeFiles(root);
      engine.run(sleeping("inside", NO_NETWORK));
    },
    measure: (engine) => void engine.run(["cp", root, "inside:/tmp"]),
    tidy,
    finish: removeAll,
  };
}

/** Processor time of one look at many containers. */
async function reportStats(engine: Engine): Promise<void> {
  const count = engine.name === "kelp" ? WATCHED : MANY_OTHERS;
  await startMany(engine, count, NO_NETWORK);
  try {
    const times = Array.from({ length: 5 }, () => engine.cpu(["stats", "--no-stream"]));
    console.log(
      `stats --no-stream of ${count}, ${engine.name}: ${Math.min(...times).toFixed(0)} ms of processor time (goal 100)`,
    );
  } catch (error) {
    console.log(`stats --no-stream, ${engine.name}: ${(error as Error).message}`);
  }
  removeAll(engine);
}

export async function controlGroup(work: string, engines: readonly Engine[]): Promise<Group> {
  return {
    scenarios: [exec, execs, copies(join(work, "files"), engines)],
    report: async () => {
      for (const engine of engines) {
        await reportStats(engine);
        await reportMany(engine, { count: MANY[engine.name] ?? MANY_OTHERS, flags: NO_NETWORK });
      }
    },
    close: () => {},
  };
}
