/**
 * config: the settings. Owns their names, defaults, files and environment variables, and knows
 * where each value came from.
 *
 * Must not know: what a setting does.
 */
export { chosenMountProgram } from "./check.ts";
export { applyEngineEnv, hostEnvironment } from "./environment.ts";
export { moduleDirectories } from "./files.ts";
export { KEYS, type KeyDef, type KeyKind } from "./keys.ts";
export { loadSettings, type SettingsOverrides } from "./load.ts";
export { CONFIG_VARIABLE, OUTER, type OuterName, type OuterSetting } from "./outer.ts";
export { KEY_TEXTS, LEFT_TO_PODMAN } from "./reference.ts";
export { DEFAULTS, type SettingName, type Settings, type SettingValues } from "./settings.ts";
