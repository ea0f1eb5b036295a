/** Workers that do what comes into their heads with one store, while things go wrong. */
import { spawn } from "node:child_process";
import { busyboxArchive, KELP } from "../../../support/index.ts";
import { randomNumbers } from "../../../support/random.ts";
import { emptyStore, storeProblems } from "./checks.ts";
import type { Fault } from "./faults.ts";
import { type Move, nextMove, type World } from "./moves.ts";

export interface Chaos {
  readonly seed: number;
  readonly workers: number;
  /** Each of so many commands of each worker, then everything is looked at. */
  readonly bursts: number;
  readonly moves: number;
  /** How often a command is killed. */
  readonly kills: number;
  readonly faults: readonly Fault[];
}

/** How long a command may take before it counts as one that never ends. */
const PATIENCE_MS = 90_000;

export class Run {
  readonly #world: Omit<World, "random">;
  readonly #chaos: Chaos;
  /** What happened, in the order in which it ended. */
  readonly story: string[] = [];
  readonly problems: string[] = [];

  constructor(world: Omit<World, "random">, chaos: Chaos) {
    this.#world = world;
    this.#chaos = chaos;
  }

  /** Until something is wrong, or all is done and the store is empty again. */
  async toItsEnd(): Promise<void> {
    const { bursts, seed } = this.#chaos;
    for (let burst = 0; burst < bursts && this.problems.length === 0; burst++) {
      this.story.push(`--- burst ${burst}`);
      await this.#world.box.ok(["load", "-q", "-i", await busyboxArchive()]);
      await this.#burst(seed * 1000 + burst * 10);
      await this.#look();
    }
    if (this.problems.length === 0)
      this.problems.push(...(await emptyStore(this.#world.box, this.#world.data)));
  }

  async #burst(seed: number): Promise<void> {
    const { workers, faults } = this.#chaos;
    const over = Promise.withResolvers<void>();
    let atWork = true;
    const trouble = (async () => {
      const random = randomNumbers(seed + 9);
      while (atWork && faults.length > 0) {
        await Promise.race([Bun.sleep(random() * 600), over.promise]);
        if (atWork) this.#tell(await faults[Math.floor(random() * faults.length)]!(random));
      }
    })();
    await Promise.all(Array.from({ length: workers }, (_, index) => this.#work(seed + index)));
    atWork = false;
    over.resolve();
    await trouble;
  }

  async #work(seed: number): Promise<void> {
    const random = randomNumbers(seed);
    for (let count = 0; count < this.#chaos.moves; count++) {
      const move = nextMove({ ...this.#world, random });
      const kill = random() < this.#chaos.kills ? random() * 120 : undefined;
      await this.#carryOut(move, kill);
    }
  }

  async #carryOut(move: Move, kill: number | undefined): Promise<void> {
    const { ledger } = this.#world;
    const begun = performance.now();
    const { code, stdout, stderr } = await this.#kelp(move, kill);
    const killed = code === null;
    if (code === 0 || killed || move.partly === true)
      for (const object of move.ends ?? []) ledger.end(object, move);
    if (code === 0) for (const fact of move.gives?.(stdout, begun) ?? []) ledger.add(fact, begun, move);
    this.#tell(`${move.args.join(" ")} => ${killed ? "killed" : code} ${stderr.trim()}`, begun);
    if (!killed) this.#judge(move, code, stderr);
  }

  /** Every end is one of those that the documentation knows. */
  #judge({ args }: Move, code: number, stderr: string): void {
    const words = args.join(" ");
    if (![0, 1, 2, 125, 126, 127, 137, 143].includes(code))
      this.problems.push(`${words}: exit status ${code}`);
    if (/internal error|\bat .*\(.*:\d+:\d+\)|constraint|ENOENT|undefined/.test(stderr))
      this.problems.push(`${words}: ${stderr}`);
    if (code === 125 && !/^(Error|time=)/m.test(stderr))
      this.problems.push(`${words}: 125 without a word: ${stderr}`);
  }

  #kelp(move: Move, kill: number | undefined) {
    const { box } = this.#world;
    const child = spawn(KELP, move.args, { env: box.env, cwd: box.directory, stdio: "pipe", detached: true });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => (output.stdout += chunk));
    child.stderr.on("data", (chunk) => (output.stderr += chunk));
    child.stdin.on("error", () => {});
    child.stdin.end(move.stdin ?? "");
    const end = (why?: string) => {
      if (why !== undefined) this.problems.push(`${move.args.join(" ")}: ${why}`);
      try {
        process.kill(-child.pid!, "SIGKILL");
      } catch {
        // it had ended by itself
      }
    };
    const timer = kill === undefined ? setTimeout(end, PATIENCE_MS, "does not end") : setTimeout(end, kill);
    return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
      // Not "close": a monitor that was killed in the middle of its start may leave the pipes to a container.
      child.on("exit", (code) => {
        clearTimeout(timer);
        setTimeout(() => resolve({ code, ...output }), 5);
      }),
    );
  }

  async #look(): Promise<void> {
    const { box, data, ledger } = this.#world;
    const calm = this.#chaos.kills === 0 && this.#chaos.faults.length === 0;
    this.problems.push(...(await storeProblems(box, data, calm)));
    for (const { object, what, check } of ledger.standing) {
      const problem = await check();
      if (problem !== undefined) this.problems.push(`${object}: ${what}, but ${problem}`);
    }
  }

  #tell(what: string, begun?: number): void {
    const time = begun === undefined ? "" : `${begun.toFixed(0)}-`;
    this.story.push(`${time}${performance.now().toFixed(0)} ${what}`);
  }
}
