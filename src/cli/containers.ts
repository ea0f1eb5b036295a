/** What commands over several containers share: choosing them, and reporting every failure. */
import { type KelpError, KelpError as KelpErrorClass, UsageError } from "../base/index.ts";
import {
  type ContainerPredicate,
  type ContainerView,
  containerFilters,
  parseSignal,
  type Selected,
  type StopRequest,
  selectContainers,
  type Target,
} from "../container/index.ts";
import type { Context } from "../state/index.ts";
import type { Io } from "./command.ts";
import { reportFailure } from "./exit.ts";
import { compileFilters, labelFilters, untilFilter } from "./filters.ts";

export interface SelectionOptions {
  readonly all?: boolean;
  readonly latest?: boolean;
  readonly filter?: readonly string[];
  readonly cidfile?: readonly string[];
  readonly ignore?: boolean;
}

/** One predicate of all values of --filter; undefined where there are none. */
export function containerPredicate(ctx: Context, filters: readonly string[]): ContainerPredicate | undefined {
  if (filters.length === 0) return undefined;
  const lookup = {
    container: (name: string) => ctx.state.containers.resolve(name),
    image: (id: string) => ctx.state.images.get(id),
  };
  return compileFilters<ContainerView>(filters, {
    ...containerFilters(lookup),
    ...labelFilters<ContainerView>(({ record }) => record.config.labels),
    until: untilFilter<ContainerView>(({ record }) => record.created, Date.now()),
  });
}

/** Refuses combinations that contradict each other, then finds the containers. */
export function chooseContainers(ctx: Context, args: readonly string[], options: SelectionOptions): Selected {
  const { all = false, latest = false, filter = [], cidfile = [] } = options;
  if (all && latest) throw contradiction("--all and --latest cannot be used together");
  if (cidfile.length > 0 && (all || latest))
    throw contradiction("--all, --latest, and --cidfile cannot be used together");
  if (args.length > 0 && all) throw contradiction("no arguments are needed with --all");
  if (args.length > 0 && latest) throw contradiction("--latest and containers cannot be used together");
  if (args.length + cidfile.length + filter.length === 0 && !all && !latest) {
    throw contradiction("you must provide at least one name or id");
  }
  return selectContainers(ctx, {
    names: args,
    all,
    latest,
    cidFiles: cidfile,
    filter: containerPredicate(ctx, filter),
    ignore: options.ignore === true,
  });
}

/** What --time and --signal of `stop` and `restart` ask for. */
export function stopRequest(options: {
  readonly time?: number | undefined;
  readonly signal?: string | undefined;
}): StopRequest {
  return {
    seconds: options.time,
    signal: options.signal === undefined ? undefined : parseSignal(options.signal),
  };
}

function contradiction(message: string): UsageError {
  return new UsageError("conflicting-flags", message);
}

/** Does `work` for each, one after another or all at once, prints what it returns, and reports every failure. */
export async function forEachContainer(
  io: Io,
  selected: Selected,
  work: (target: Target) => Promise<string | undefined> | string | undefined,
  options: { readonly parallel?: boolean } = {},
): Promise<number> {
  let status = 0;
  const fail = (error: unknown) => {
    if (!(error instanceof KelpErrorClass)) throw error;
    status = mergeStatus(status, error);
    reportFailure(error, io, false);
  };
  for (const failure of selected.failures) fail(failure);
  const attempt = async (target: Target) => {
    try {
      const line = await work(target);
      if (line !== undefined) io.out(`${line}\n`);
    } catch (error) {
      fail(error);
    }
  };
  if (options.parallel === true) await Promise.all(selected.targets.map(attempt));
  else for (const target of selected.targets) await attempt(target);
  return status;
}

/** The first failure decides, but for "no such container", which any other outranks. */
function mergeStatus(status: number, error: KelpError): number {
  return status === 0 || status === 1 ? error.exitCode : status;
}
