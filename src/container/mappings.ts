/** Which layers with other owners containers run on. */
import type { ContainerRecord, Context } from "../state/index.ts";
import { mappedNames } from "../storage/index.ts";
import { presentContainers } from "./sweep.ts";

/** Their names in the store (`listMapped`), there or still to be made. */
export function usedMappings(ctx: Context): Set<string> {
  return new Set(presentContainers(ctx).flatMap((record) => mappingsOf(ctx, record)));
}

/** Of its own image and of those it mounts. */
function mappingsOf(ctx: Context, { config }: ContainerRecord): string[] {
  const { ownIds } = config;
  if (ownIds === undefined) return [];
  const layersOf = (id: string | undefined) => ctx.state.images.get(id ?? "")?.layers ?? [];
  const mounted = config.mounts.filter(({ type }) => type === "image").map(({ source }) => layersOf(source));
  return [config.layers ?? layersOf(config.image), ...mounted].flatMap((layers) => {
    const top = layers.at(-1);
    return top === undefined ? [] : mappedNames(top, ownIds);
  });
}
