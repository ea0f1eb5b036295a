/**
 * base: what every folder needs and nothing more: errors, text for people, redaction, log.
 *
 * Must not know: files, processes, containers; it imports nothing of ours.
 */
export { type AssetName, assetPath, BUILD, IS_COMPILED } from "./build-info.ts";
export {
  CommandNotExecutableError,
  CommandNotFoundError,
  ConfigError,
  ConflictError,
  errnoCode,
  HostError,
  KelpError,
  type KelpErrorOptions,
  NotFoundError,
  RegistryError,
  SetupError,
  StorageError,
  UsageError,
} from "./errors.ts";
