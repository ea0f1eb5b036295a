/**
 * The errors a user can meet. Everything a user's input or machine can cause is a
 * `KelpError` with a stable code; a plain `Error` is a bug of ours and is reported as one.
 *
 * Messages read `cannot VERB OBJECT: reason`, one line, no full stop; the hint is the
 * sentence that says what to do next.
 */
export interface KelpErrorOptions {
  hint?: string;
  cause?: unknown;
  /** Overrides the class's exit status (0 to 255). */
  exitCode?: number;
}

export class KelpError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(code: string, message: string, options: KelpErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? 125;
  }
}

/** The command line itself is wrong: an unknown flag, a bad value, too few arguments. */
export class UsageError extends KelpError {}
/** A configuration file says something that cannot be honoured. */
export class ConfigError extends KelpError {}
/** The named container, image, volume or network is not there. */
export class NotFoundError extends KelpError {}
/** The object is in a state that forbids the operation, or a name is taken. */
export class ConflictError extends KelpError {}
/** The machine lacks something; the hint names the package, sysctl or file that mends it. */
export class HostError extends KelpError {}
/** A registry refused or failed. */
export class RegistryError extends KelpError {}
/** A file of the store, an archive or the disk is not as it must be. */
export class StorageError extends KelpError {}
/** holdfast could not carry out a step of a plan. */
export class SetupError extends KelpError {}
/** The command of a container exists and cannot be executed. */
export class CommandNotExecutableError extends KelpError {
  constructor(code: string, message: string, options: KelpErrorOptions = {}) {
    super(code, message, { exitCode: 126, ...options });
  }
}
/** The command of a container does not exist. */
export class CommandNotFoundError extends KelpError {
  constructor(code: string, message: string, options: KelpErrorOptions = {}) {
    super(code, message, { exitCode: 127, ...options });
  }
}
/** Whoever read the output has gone, which is no failure: the command ends without a word, as one that SIGPIPE has killed. */
export class ReaderGoneError extends KelpError {
  static readonly code = "reader-gone";

  constructor() {
    super(ReaderGoneError.code, "cannot write: nobody reads it any more", { exitCode: 128 + 13 });
  }
}

/** The errno name (`ENOENT`) of a system error, or undefined for anything else. */
export function errnoCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
