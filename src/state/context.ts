/** What every domain function takes first. */
import { loadSettings, type Settings, type SettingsOverrides } from "../config/index.ts";
import { type PathOptions, type Paths, resolvePaths } from "../host/index.ts";
import { State } from "./state.ts";

export interface Context {
  readonly paths: Paths;
  readonly settings: Settings;
  /** Opened on first use. */
  readonly state: State;
}

/** The command line's global options, as far as they choose a store and its settings. */
export type ContextOptions = PathOptions & SettingsOverrides;

/** Finds the directories and reads the settings; touches the disk only where a configuration file exists. */
export async function openContext(options: ContextOptions = {}): Promise<Context> {
  const paths = resolvePaths(options);
  const settings = await loadSettings(paths, options);
  return { paths, settings, state: new State(paths) };
}
