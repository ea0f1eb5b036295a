/** Puts the settings together: built-in values, then files, then the environment, then the command line. */
import { resolve } from "node:path";
import { ConfigError } from "../base/index.ts";
import type { Environment, Paths } from "../host/index.ts";
import { findConfigFiles } from "./files.ts";
import { DEFAULTS, type SettingName, type Settings } from "./settings.ts";
import { readConfigFile } from "./toml.ts";

/** What the command line's global options set. */
export interface SettingsOverrides {
  /** A configuration file instead of the user's own. */
  readonly config?: string | undefined;
  readonly storageDriver?: string | undefined;
  readonly storageOpts?: readonly string[];
  readonly volumePath?: string | undefined;
  readonly eventsBackend?: string | undefined;
}

/**
 * Reads the files that exist; costs a few failed `open`s where none does.
 *
 * @throws {ConfigError} for a file that cannot be read or says something impossible
 */
export async function loadSettings(
  paths: Paths,
  overrides: SettingsOverrides = {},
  env: Environment = process.env,
): Promise<Settings> {
  const values: Record<string, unknown> = { ...DEFAULTS };
  const origins: Partial<Record<SettingName, string>> = {};
  const set = (name: SettingName, value: unknown, origin: string) => {
    values[name] = value;
    origins[name] = origin;
  };
  for (const file of findConfigFiles(paths, overrides.config, env)) {
    for (const [name, { value, append }] of await readConfigFile(file)) {
      const before = append ? (values[name] as readonly string[] | undefined) : undefined;
      set(name, before === undefined ? value : [...before, ...(value as string[])], file.path);
    }
  }
  if (env.STORAGE_DRIVER) set("storageDriver", env.STORAGE_DRIVER, "STORAGE_DRIVER");
  if (env.STORAGE_OPTS) set("storageOpts", env.STORAGE_OPTS.split(","), "STORAGE_OPTS");
  if (overrides.storageDriver) set("storageDriver", overrides.storageDriver, "--storage-driver");
  if (overrides.storageOpts?.length) set("storageOpts", overrides.storageOpts, "--storage-opt");
  if (overrides.volumePath) set("volumePath", resolve(overrides.volumePath), "--volumepath");
  if (overrides.eventsBackend) set("eventsLogger", overrides.eventsBackend, "--events-backend");
  checkEventsLogger(String(values.eventsLogger), origins.eventsLogger);
  return { ...(values as unknown as Settings), origins };
}

/** podman's default, journald, stands in many a configuration: events are in kelp's file then, too. */
function checkEventsLogger(logger: string, origin: string | undefined): void {
  if (["file", "journald", "none"].includes(logger)) return;
  throw new ConfigError(
    "invalid-events-logger",
    `unknown events backend ${JSON.stringify(logger)} (${origin})`,
    {
      hint: "Backends: file, none.",
    },
  );
}
