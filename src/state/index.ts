/**
 * state: the database. Owns the records of containers, images, layers, volumes and networks, their ids
 * and names, the schema and its migrations, and the `Context` that carries all of it around.
 *
 * Must not know: what the records mean to a kernel, a registry or a terminal.
 */

export { BuildCache, type BuildCacheEntry } from "./build-cache.ts";
export { Containers, type GoneContainer, type NewContainer } from "./containers.ts";
export { type Context, type ContextOptions, openContext, readSettings } from "./context.ts";
export type { TransactionOptions } from "./db.ts";
export {
  type FollowEvents,
  followEvents,
  type LoggedEvent,
  parseEvent,
  readEvents,
} from "./event-log.ts";
export {
  containerEvent,
  type EventType,
  eventJournal,
  eventLine,
  eventLogPath,
  hasJournal,
  JOURNAL_SOCKET,
  keepsEvents,
  type NewEvent,
  usesJournal,
  writeContainerEvent,
  writeEvent,
} from "./events.ts";
export { Images, type NewImageRecord } from "./images.ts";
export { journalEntry } from "./journal-entry.ts";
export { Layers } from "./layers.ts";
export { isIdPrefix, newId, randomName } from "./names.ts";
export type * from "./network-records.ts";
export { Networks } from "./networks.ts";
export type * from "./records.ts";
export type { SecretRecord } from "./secrets.ts";
export { State } from "./state.ts";
export { Volumes } from "./volumes.ts";
