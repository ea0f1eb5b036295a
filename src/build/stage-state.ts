/** What a stage has become so far: its layers and the configuration an image of it would have. */
import type { HistoryEntry, ImageConfig, ImageRunConfig, Platform } from "../oci/index.ts";
import type { StoredLayer } from "../storage/index.ts";

export interface StageState {
  layers: StoredLayer[];
  config: Mutable<ImageRunConfig>;
  /** Entries without `created` get the image's own time. */
  history: HistoryEntry[];
  architecture: string;
  os: string;
  variant?: string;
  author?: string;
  /** Variables of ARG that have a value here. */
  args: Map<string, string>;
  /** Rows of the image the stage began with, and that image's ID. */
  base: { readonly layers: number; readonly image?: string };
  /** History the stage began with. */
  baseHistory: readonly HistoryEntry[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What every image has that is built: `ENV PATH=$PATH:/opt/bin` must not lose the directories of the shell's own tools. */
const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const DEFAULT_SHELL: readonly string[] = ["/bin/sh", "-c"];

export function emptyState({ os, architecture, variant }: Platform): StageState {
  return {
    layers: [],
    config: { Env: [DEFAULT_PATH] },
    history: [],
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    args: new Map(),
    base: { layers: 0 },
    baseHistory: [],
  };
}

/** A stage that begins where an image ends. Its triggers are pulled here and not inherited. */
export function stateOfImage(config: ImageConfig, layers: readonly StoredLayer[], id: string): StageState {
  const { OnBuild: _, ...run } = config.config;
  return {
    layers: [...layers],
    config: { ...run, Env: withPath(run.Env ?? []) },
    history: [...config.history],
    architecture: config.architecture,
    os: config.os,
    ...(config.variant === undefined ? {} : { variant: config.variant }),
    ...(config.author === undefined ? {} : { author: config.author }),
    args: new Map(),
    base: { layers: layers.length, image: id },
    baseHistory: config.history,
  };
}

/** Images made by `import`, and of other tools, may say nothing about PATH. */
function withPath(env: readonly string[]): readonly string[] {
  return env.some((entry) => entry.startsWith("PATH=")) ? env : [DEFAULT_PATH, ...env];
}

/** A stage that begins where another one ended. */
export function stateOfStage(state: StageState): StageState {
  const { OnBuild: _, ...run } = state.config;
  return {
    ...state,
    layers: [...state.layers],
    config: run,
    history: [...state.history],
    args: new Map(state.args),
  };
}

export function shellOf(state: StageState): readonly string[] {
  return state.config.Shell ?? DEFAULT_SHELL;
}

export function envMap(state: StageState): Map<string, string> {
  return new Map(
    (state.config.Env ?? []).map((entry) => {
      const equals = entry.indexOf("=");
      return [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

/** What `$NAME` means at this point of a stage: ENV before ARG. */
export function lookupIn(state: StageState): (name: string) => string | undefined {
  const env = envMap(state);
  return (name) => env.get(name) ?? state.args.get(name);
}

/** Identifies the files of the stage: the chain ID of its topmost layer. */
export function chainOf(state: StageState): string {
  return state.layers.at(-1)?.record.chainId ?? "scratch";
}
