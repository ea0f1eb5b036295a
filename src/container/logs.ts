/** A container's output, wherever its log driver has put it. */
import { ConflictError } from "../base/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import type { LogEntry } from "./log-file.ts";
import { followLog, type LogQuery, readLog } from "./log-reader.ts";
import { statusOf } from "./status.ts";
import { isRunning } from "./view.ts";

/** @throws {ConflictError} `no-log` for a driver that keeps nothing */
export function refuseUnreadable({ config }: ContainerRecord): void {
  const { driver } = config.log;
  if (driver === "journald" || config.log.path !== "") return;
  throw new ConflictError(
    "no-log",
    `this container is using the '${driver}' log driver, cannot read logs: this container is not logging output`,
  );
}

/** The entries there are, in the order in which they were written. */
export async function* containerLog(record: ContainerRecord, query: LogQuery): AsyncGenerator<LogEntry> {
  const { log } = record.config;
  if (log.driver === "journald") yield* (await import("./log-journal.ts")).readJournal(record.id, query);
  else yield* readLog(log.path, query);
}

/** The same, then those to come for as long as the container runs. */
export async function* followContainerLog(
  ctx: Context,
  record: ContainerRecord,
  query: LogQuery,
): AsyncGenerator<LogEntry> {
  const { log } = record.config;
  const following = {
    ...query,
    isRunning: () => {
      const now = ctx.state.containers.get(record.id);
      return now !== undefined && isRunning(statusOf(ctx, now));
    },
  };
  if (log.driver === "journald")
    yield* (await import("./log-journal.ts")).followJournal(record.id, following);
  else yield* followLog(log.path, following);
}
