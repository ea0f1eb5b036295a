/** What every domain function takes first. */
import { applyEngineEnv, loadSettings, type Settings, type SettingsOverrides } from "../config/index.ts";
import { configDirectory, followRuntime, type PathOptions, type Paths, resolvePaths } from "../host/index.ts";
import { openJournal } from "./events.ts";
import { State } from "./state.ts";

export interface Context {
  readonly paths: Paths;
  readonly settings: Settings;
  /** Opened on first use. */
  readonly state: State;
}

/** The command line's global options, as far as they choose a store and its settings. */
export type ContextOptions = PathOptions &
  SettingsOverrides & {
    /** The settings, where they have been read already. */
    readonly settings?: Settings | undefined;
  };

/** Finds the directories and reads the settings; touches the disk only where a configuration file exists. */
export async function openContext(options: ContextOptions = {}): Promise<Context> {
  const settings = options.settings ?? (await readSettings(options));
  const { root, runroot } = settings;
  const paths = followRuntime(
    resolvePaths({ ...options, root, runroot }),
    runroot !== undefined && runroot !== "",
  );
  if (settings.engineEnv.length > 0) applyEngineEnv(settings.engineEnv);
  if (settings.eventsLogger === "journald") await openJournal();
  return { paths, settings, state: new State(paths) };
}

/** What is set and by whom; needs no store. */
export function readSettings(options: ContextOptions = {}): Promise<Settings> {
  return loadSettings({ config: configDirectory(options) }, options);
}
