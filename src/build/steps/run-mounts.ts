/** RUN --mount, and what else is laid over a step's root without becoming part of the layer. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import type { RunInstruction } from "../dockerfile/instruction.ts";
import type { StageState } from "../stage-state.ts";
import { bindMount } from "./mount-bind.ts";
import { cacheMount } from "./mount-cache.ts";
import { secretMount, sshMount } from "./mount-secret.ts";
import { type MountWords, readMount } from "./mount-words.ts";
import type { SourceRoot } from "./source-root.ts";
import type { StepContext } from "./step-context.ts";

export interface RunMounts {
  /** What the step's result depends on. */
  readonly key: unknown;
  /** Makes what is mounted, for as long as `work` takes. */
  within<T>(work: (mounts: ReadyMounts) => Promise<T>): Promise<T>;
}

/** In the words of `create`, and what only the process gets. */
export interface ReadyMounts {
  readonly mount: readonly string[];
  readonly tmpfs: readonly string[];
  /** Variables that are written down nowhere. */
  readonly secretEnv: readonly string[];
}

/** One mount before its step: what the step depends on, and how it is made. */
export interface PlannedMount {
  readonly key: unknown;
  /** @param dir the mount's own directory, removed after the step */
  make(dir: string): Promise<MadeMount>;
}

export interface MadeMount extends Partial<ReadyMounts> {
  release?(): void | Promise<void>;
}

/** Finds where `from=NAME` is; without a name, the context. */
export type FindRoot = (name: string | undefined) => Promise<SourceRoot>;

export async function resolveRunMounts(
  instruction: RunInstruction,
  state: StageState,
  step: StepContext,
  options: {
    readonly script?: { readonly path: string; readonly content: string } | undefined;
    readonly findRoot: FindRoot;
  },
): Promise<RunMounts> {
  const planned: PlannedMount[] = [];
  for (const text of instruction.mounts) {
    const mount = await plan(readMount(text, step), state, step, options.findRoot);
    if (mount !== undefined) planned.push(mount);
  }
  if (options.script !== undefined) planned.push(scriptMount(options.script));
  return {
    key: planned.map((mount) => mount.key),
    within: (work) =>
      planned.length === 0 ? work(NOTHING) : step.session.scratch((dir) => makeAll(planned, dir, work)),
  };
}

const NOTHING: ReadyMounts = { mount: [], tmpfs: [], secretEnv: [] };

async function makeAll<T>(
  planned: readonly PlannedMount[],
  dir: string,
  work: (mounts: ReadyMounts) => Promise<T>,
): Promise<T> {
  const made: MadeMount[] = [];
  try {
    for (const [index, mount] of planned.entries()) {
      const own = join(dir, String(index));
      mkdirSync(own, { mode: 0o700 });
      made.push(await mount.make(own));
    }
    return await work({
      mount: made.flatMap(({ mount }) => mount ?? []),
      tmpfs: made.flatMap(({ tmpfs }) => tmpfs ?? []),
      secretEnv: made.flatMap(({ secretEnv }) => secretEnv ?? []),
    });
  } finally {
    for (const { release } of made) await release?.();
  }
}

async function plan(
  words: MountWords,
  state: StageState,
  step: StepContext,
  findRoot: FindRoot,
): Promise<PlannedMount | undefined> {
  const target =
    words.target === undefined ? undefined : posix.resolve("/", state.config.WorkingDir ?? "/", words.target);
  if (words.type === "secret") return secretMount(words, target, step);
  if (words.type === "ssh") return sshMount(words, target, step);
  if (target === undefined || target === "/") step.fail(`--mount=type=${words.type} needs a target`);
  switch (words.type) {
    case "bind":
      return bindMount(words, target, step, await findRoot(words.from));
    case "cache":
      return cacheMount(
        words,
        target,
        step,
        words.from === undefined ? undefined : await findRoot(words.from),
      );
    case "tmpfs":
      return tmpfsMount(words, target);
  }
}

function tmpfsMount({ size }: MountWords, target: string): PlannedMount {
  const options = ["rw", "mode=1777", ...(size === undefined ? [] : [`size=${size}`])];
  return { key: ["tmpfs", target], make: async () => ({ tmpfs: [`${target}:${options.join(",")}`] }) };
}

/** A heredoc with an interpreter's name in its first line. */
function scriptMount(script: { readonly path: string; readonly content: string }): PlannedMount {
  return {
    key: script,
    make: async (dir) => {
      const file = join(dir, "script");
      writeFileSync(file, script.content);
      chmodSync(file, 0o755);
      return { mount: [mountFlag("bind", { source: file, destination: script.path, ro: true })] };
    },
  };
}

/** The form of --mount; a value with a comma is quoted. */
export function mountFlag(type: string, fields: Readonly<Record<string, string | boolean>>): string {
  const words = Object.entries(fields).map(([key, value]) => (value === true ? key : `${key}=${value}`));
  return [`type=${type}`, ...words]
    .map((word) => (/[",]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word))
    .join(",");
}
