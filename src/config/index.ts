/**
 * config: the settings. Owns their names, defaults, files and environment variables, and knows
 * where each value came from.
 *
 * Must not know: what a setting does.
 */
export { hostEnvironment } from "./environment.ts";
export { loadSettings, type SettingsOverrides } from "./load.ts";
export { DEFAULTS, type SettingName, type Settings, type SettingValues } from "./settings.ts";
