/** What a setting may say, checked once they are put together, so that the message can name who said it. */
import { ConfigError } from "../base/index.ts";
import type { SettingName, Settings } from "./settings.ts";

interface Choice {
  readonly setting: SettingName;
  readonly words: readonly string[];
  /** Opens the message, before the value. */
  readonly what: string;
  readonly code: string;
  readonly hint: string;
}

const CHOICES: readonly Choice[] = [
  {
    setting: "eventsLogger",
    words: ["file", "journald", "none"],
    what: "unknown events backend",
    code: "invalid-events-logger",
    hint: "Backends: file, journald, none.",
  },
  {
    setting: "cgroupManager",
    words: ["", "systemd", "cgroupfs"],
    what: "unknown cgroup manager",
    code: "invalid-cgroup-manager",
    hint: "Managers: systemd, cgroupfs.",
  },
];

/**
 * @throws {ConfigError} for a value that means nothing here
 */
export function checkSettings(settings: Settings): void {
  for (const { setting, words, what, code, hint } of CHOICES) {
    const value = settings[setting] as string;
    if (words.includes(value)) continue;
    throw new ConfigError(code, `${what} ${JSON.stringify(value)} (${settings.origins[setting]})`, { hint });
  }
  for (const option of settings.storageOpts) {
    if (mountProgram(option) === undefined) throw unknownStorageOption(option, settings.origins.storageOpts);
  }
}

/** The program in `overlay.mount_program=FILE`; podman spells it with the driver's name, or with a dot alone. */
function mountProgram(option: string): string | undefined {
  return /^(?:\w*\.)?mount_program=(\/.*)$/.exec(option)?.[1];
}

/** The overlay program that a storage option names. */
export function chosenMountProgram({ storageOpts }: Pick<Settings, "storageOpts">): string | undefined {
  return storageOpts.map(mountProgram).at(-1);
}

function unknownStorageOption(option: string, origin: string | undefined): ConfigError {
  return new ConfigError(
    "invalid-storage-option",
    `cannot use storage option ${JSON.stringify(option)} (${origin}): the drivers know mount_program=/PATH only`,
  );
}
