import { UsageError } from "../base/index.ts";

/** A flag that cannot be read. exit.ts adds `See 'kelp COMMAND --help'`; the dispatcher fills in `command`. */
export class FlagError extends UsageError {
  command = "kelp";

  constructor(message: string, hint?: string, code = "bad-flag") {
    super(code, message, hint === undefined ? {} : { hint });
  }
}
