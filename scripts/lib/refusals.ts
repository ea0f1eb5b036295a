/** What kelp refuses, for everything that is written about it. */
import type { OptionTable } from "../../src/cli/command.ts";
import { REFUSED } from "../../src/cli/refused.ts";

/** The flags that a command refuses by name, each with the reason: those in its table and those that are not. */
export function refusals(table: OptionTable, command: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, { unsupported, hidden }] of Object.entries(table))
    if (unsupported !== undefined && hidden !== true) found.set(name, unsupported);
  for (const [names, why] of Object.entries(REFUSED[command] ?? {}))
    found.set(names.split(" ")[0] as string, why);
  return found;
}
