/** What a monitor has told of a log that it could not write (native/PLAN.md, `log`). */
import { join } from "node:path";
import { readIfExists } from "../host/index.ts";

/** @param runDir `c/ID` of the runtime directory */
export function logLossPath(runDir: string): string {
  return join(runDir, "log-lost");
}

/** The errno of the first record that the log of the container's last life lacks; undefined: it lacks none. */
export function readLogLoss(runDir: string): number | undefined {
  const text = readIfExists(logLossPath(runDir));
  return text === undefined || text === "" ? undefined : Number(text);
}
