/** What every `inspect` does: find each name, print what was found, say what was not. */
import { KelpError } from "../base/index.ts";
import type { Io, OptionTable } from "./command.ts";
import { EXIT_FAILURE, reportFailure } from "./exit.ts";
import { printJson } from "./format.ts";
import { addAliases, markMaps } from "./inspect-objects.ts";

export const INSPECT_FORMAT = {
  format: {
    kind: "string",
    short: "f",
    value: "FORMAT",
    text: "Print as json or by a Go template",
    completes: ["json"],
  },
} as const satisfies OptionTable;

export interface Inspection<T> {
  readonly names: readonly string[];
  /** Throws for what is not there. */
  readonly find: (name: string) => T | Promise<T>;
  readonly format: string | undefined;
  /** The command, as errors of the template name it. */
  readonly template?: string;
  /** Go's fields, where JSON has names of its own. */
  readonly fields?: (value: T) => object;
}

/** A name that is not there does not keep the others from being shown. @returns the exit status */
export async function inspectEach<T extends object>(io: Io, request: Inspection<T>): Promise<number> {
  const found: T[] = [];
  const failures: KelpError[] = [];
  for (const name of request.names) {
    try {
      found.push(await request.find(name));
    } catch (error) {
      if (!(error instanceof KelpError)) throw error;
      failures.push(error);
    }
  }
  await print(io, found, request);
  for (const failure of failures) reportFailure(failure, io, false);
  return failures.length === 0 ? 0 : EXIT_FAILURE;
}

async function print<T extends object>(io: Io, found: readonly T[], request: Inspection<T>): Promise<void> {
  const { format, template = "inspect", fields = (value) => value } = request;
  if (format === undefined || format === "" || format === "json") {
    io.out(printJson(found));
    return;
  }
  if (found.length === 0) return;
  const { renderTemplate } = await import("./template.ts");
  for (const value of found.map(fields)) {
    markMaps(value);
    addAliases(value);
    io.out(`${renderTemplate(template, format, value)}\n`);
  }
}
