/** A container's output, wherever its log driver has put it. */
import { constants } from "node:os";
import { ConflictError } from "../base/index.ts";
import { cgroupMount, containerRunDir, errnoText } from "../host/index.ts";
import { readLogLoss } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { cgroupOf } from "./cgroup-note.ts";
import { ID_FIELD } from "./journal-fields.ts";
import type { LogEntry } from "./log-file.ts";
import { followLog, type LogQuery, readLog } from "./log-reader.ts";
import { UNIT_LABEL } from "./service.ts";
import { statusOf } from "./status.ts";
import { isLive } from "./view.ts";

/** @throws {ConflictError} `no-log` for a driver that keeps nothing */
export function refuseUnreadable(ctx: Context, record: ContainerRecord): void {
  const { driver, path } = record.config.log;
  if (path !== "" || journalMatch(ctx, record) !== undefined) return;
  throw new ConflictError(
    "no-log",
    `this container is using the '${driver}' log driver, cannot read logs: this container is not logging output`,
  );
}

/**
 * Which of the journal's entries are the container's. A passed-through stream of a unit's leads there as well: its entries
 * are known by the control group of who wrote them.
 */
function journalMatch(ctx: Context, { id, config }: ContainerRecord): string | undefined {
  const { driver } = config.log;
  if (driver === "journald") return `${ID_FIELD}=${id}`;
  const group = config.labels[UNIT_LABEL] === undefined ? undefined : cgroupOf(ctx, id)?.processes;
  const mount = cgroupMount();
  if (!driver.startsWith("passthrough") || group === undefined || mount === undefined) return undefined;
  return `_SYSTEMD_CGROUP=${group.slice(mount.length)}`;
}

/** Why some of what the container has written in its last life is not in its log; undefined: all of it is. */
export function logLoss(ctx: Context, { id }: ContainerRecord): string | undefined {
  const errno = readLogLoss(containerRunDir(ctx.paths, id));
  if (errno === undefined) return undefined;
  const [name] = Object.entries(constants.errno).find(([, number]) => number === errno) ?? [];
  return errnoText(name) ?? `error ${errno}`;
}

/** The entries there are, in the order in which they were written. */
export async function* containerLog(
  ctx: Context,
  record: ContainerRecord,
  query: LogQuery,
): AsyncGenerator<LogEntry> {
  const { log } = record.config;
  const match = journalMatch(ctx, record);
  if (match !== undefined) yield* (await import("./log-journal.ts")).readJournal(match, query);
  else yield* readLog(log.path, query);
}

/** The same, then those to come for as long as the container runs and `isWanted` says yes. */
export async function* followContainerLog(
  ctx: Context,
  record: ContainerRecord,
  query: LogQuery,
  isWanted: () => boolean,
): AsyncGenerator<LogEntry> {
  const { log } = record.config;
  const following = {
    ...query,
    isRunning: () => {
      if (!isWanted()) return false;
      const now = ctx.state.containers.get(record.id);
      return now !== undefined && isLive(statusOf(ctx, now));
    },
  };
  const match = journalMatch(ctx, record);
  if (match !== undefined) yield* (await import("./log-journal.ts")).followJournal(match, following);
  else yield* followLog(log.path, following);
}
