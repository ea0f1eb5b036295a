/**
 * base: what every folder needs and nothing more: errors, text for people, units, times,
 * redaction, log, and what the build knows.
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
  ReaderGoneError,
  RegistryError,
  SetupError,
  StorageError,
  UsageError,
} from "./errors.ts";
export { collectGarbage } from "./garbage.ts";
export { Sha256, sha256Bytes, sha256Hex } from "./hash.ts";
export { type LogFields, type LogLevel, log, logs, parseLogLevel, startLog } from "./log.ts";
export { randomBelow, randomHex } from "./random.ts";
export { redact, redactEnv } from "./redact.ts";
export { closest, nearHint } from "./suggest.ts";
export { ellipsis, escapeControl, escapeJson, escapeLines } from "./text.ts";
export { ago, formatDuration, humanDuration, parseDuration, parseTime, parseUntil, rfc3339 } from "./time.ts";
export { humanBinarySize, humanSize, parseSize, type SizeFormat } from "./units.ts";
export { showingWait, showWaits, type Wait, type WaitView } from "./waiting.ts";
