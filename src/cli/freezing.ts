/** What pause and unpause have in common: which containers are meant, and one line for each. */
import { type Target, viewOf } from "../container/index.ts";
import { type Context, openContext } from "../state/index.ts";
import type { Invocation } from "./command.ts";
import { chooseContainers, forEachContainer } from "./containers.ts";
import { ALL_OPTION, CIDFILE_OPTION, FILTER_OPTION, LATEST_OPTION } from "./options/listing.ts";

export const FREEZING_OPTIONS = {
  ...ALL_OPTION,
  ...CIDFILE_OPTION,
  ...FILTER_OPTION,
  ...LATEST_OPTION,
} as const;

/** Named containers are acted on in whatever state they are; --all and --filter mean those in state `from`. */
export async function forEachInState(
  { io, args, options, globals }: Invocation<typeof FREEZING_OPTIONS>,
  from: "running" | "paused",
  act: (ctx: Context, record: Target["record"]) => Promise<void>,
): Promise<number> {
  const ctx = await openContext(globals);
  const selected = chooseContainers(ctx, args, options);
  const all = options.all || options.filter.length > 0;
  const targets = all
    ? selected.targets.filter(({ record }) => viewOf(ctx, record).status.state === from)
    : selected.targets;
  return forEachContainer(io, { ...selected, targets }, async ({ record, shown }) => {
    await act(ctx, record);
    return shown;
  });
}
