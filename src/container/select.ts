/** Which containers a command means: names, --all, --latest, --filter, --cidfile. */
import { readFileSync } from "node:fs";
import { errnoCode, KelpError, NotFoundError, UsageError } from "../base/index.ts";
import { errnoText } from "../host/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import type { ContainerPredicate } from "./filter.ts";
import { viewOf } from "./status.ts";
import { isGone, ownContainers } from "./sweep.ts";

export interface Selection {
  readonly names: readonly string[];
  readonly all?: boolean;
  readonly latest?: boolean;
  readonly cidFiles?: readonly string[];
  readonly filter?: ContainerPredicate | undefined;
  /** Names and files that do not exist are passed over. */
  readonly ignore?: boolean;
}

export interface Target {
  readonly record: ContainerRecord;
  /** What a success prints: the user's own word, or the ID. */
  readonly shown: string;
}

export interface Selected {
  readonly targets: readonly Target[];
  readonly failures: readonly KelpError[];
}

/**
 * Everything that was asked for and exists, and why the rest does not; a bad combination of options is the
 * command line's to refuse.
 */
export function selectContainers(ctx: Context, selection: Selection): Selected {
  const failures: KelpError[] = [];
  const byName = selection.all === true || selection.latest === true ? [] : named(ctx, selection, failures);
  const targets =
    byName.length > 0 || failures.length > 0 || hasWords(selection) ? byName : unnamed(ctx, selection);
  const { filter } = selection;
  return {
    targets: filter === undefined ? targets : targets.filter((target) => filter(viewOf(ctx, target.record))),
    failures,
  };
}

function hasWords(selection: Selection): boolean {
  return selection.names.length > 0 || (selection.cidFiles ?? []).length > 0;
}

function unnamed(ctx: Context, selection: Selection): Target[] {
  if (selection.latest === true) {
    const latest = ownContainers(ctx).at(-1);
    if (latest === undefined)
      throw new NotFoundError("no-such-container", "no containers: no such container");
    return [{ record: latest, shown: latest.id }];
  }
  return ownContainers(ctx).map((record) => ({ record, shown: record.id }));
}

function named(ctx: Context, selection: Selection, failures: KelpError[]): Target[] {
  const targets: Target[] = [];
  const attempt = (find: () => Target) => {
    try {
      targets.push(find());
    } catch (error) {
      if (!(error instanceof KelpError)) throw error;
      if (!(error instanceof NotFoundError && selection.ignore === true)) failures.push(error);
    }
  };
  for (const file of selection.cidFiles ?? []) {
    attempt(() => {
      const id = readCidFile(file);
      return { record: resolveContainer(ctx, id), shown: id };
    });
  }
  for (const name of selection.names) attempt(() => ({ record: resolveContainer(ctx, name), shown: name }));
  return targets;
}

/** A name (docker's leading slash is dropped), an ID or the beginning of one. */
export function resolveContainer(ctx: Context, word: string): ContainerRecord {
  const name = word.startsWith("/") ? word.slice(1) : word;
  const record = ctx.state.containers.resolve(name);
  if (!isGone(ctx, record)) return record;
  throw ctx.state.containers.missing(name);
}

/** The ID in the first line of a --cidfile. */
export function readCidFile(path: string): string {
  try {
    return readFileSync(path, "utf8").split("\n", 1)[0] ?? "";
  } catch (cause) {
    const reason = errnoText(errnoCode(cause)) ?? (cause as Error).message;
    const message = `reading CIDFile: open ${path}: ${reason}`;
    if (errnoCode(cause) === "ENOENT") throw new NotFoundError("no-cidfile", message, { cause });
    throw new UsageError("no-cidfile", message, { cause });
  }
}
