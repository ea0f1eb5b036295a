/** `--filter` of the volume commands. */
import type { Context, VolumeRecord } from "../state/index.ts";
import { booleanFilter, compileFilters, labelFilters, patternFilter, untilFilter } from "./filters.ts";

export function volumePredicate(ctx: Context, filters: readonly string[]): (volume: VolumeRecord) => boolean {
  const inUse = (volume: VolumeRecord) => ctx.state.containers.usingVolume(volume.name).length > 0;
  return compileFilters<VolumeRecord>(filters, {
    ...labelFilters<VolumeRecord>((volume) => volume.labels),
    name: patternFilter<VolumeRecord>((volume) => [volume.name]),
    driver: { test: (value) => (volume) => volume.driver === value },
    scope: { test: (value) => () => value === "local" },
    opt: {
      test: (value) => (volume) =>
        Object.entries(volume.options).some(([key, text]) => value === key || value === `${key}=${text}`),
    },
    dangling: booleanFilter<VolumeRecord>((volume) => !inUse(volume)),
    anonymous: booleanFilter<VolumeRecord>((volume) => volume.anonymous),
    until: untilFilter<VolumeRecord>((volume) => volume.created, Date.now()),
  });
}
