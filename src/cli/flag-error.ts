import { UsageError } from "../base/index.ts";

/** A flag that cannot be read. exit.ts adds `See 'kelp COMMAND --help'`; the dispatcher fills in `command`. */
export class FlagError extends UsageError {
  command = "kelp";
  /** The flag whose value is missing; completion offers values for it. */
  readonly needsValue: string | undefined;
  /** The flag as typed, `--name` or `-n`, if the command does not have it. */
  readonly unknown: string | undefined;

  constructor(
    message: string,
    hint?: string,
    options: { code?: string; needsValue?: string; unknown?: string } = {},
  ) {
    super(options.code ?? "bad-flag", message, hint === undefined ? {} : { hint });
    this.needsValue = options.needsValue;
    this.unknown = options.unknown;
  }
}
