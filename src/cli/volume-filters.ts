/** `--filter` of the volume commands. */
import { volumeByName } from "../container/index.ts";
import type { Context, VolumeRecord } from "../state/index.ts";
import {
  booleanFilter,
  compileFilters,
  labelFilters,
  patternFilter,
  relativeFilter,
  splitFilter,
  untilFilter,
} from "./filters.ts";

export function volumePredicate(ctx: Context, filters: readonly string[]): (volume: VolumeRecord) => boolean {
  const inUse = (volume: VolumeRecord) => ctx.state.containers.usingVolume(volume.name).length > 0;
  const created = (volume: VolumeRecord) => volume.created;
  const newer = relativeFilter(created, (name) => volumeByName(ctx, name).created, "since");
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
    until: untilFilter<VolumeRecord>(created, Date.now()),
    since: newer,
    after: newer,
  });
}

/**
 * What `volume prune` considers besides: `all=true` is --all in the words of docker's API.
 *
 * @returns whether named volumes go as well, and the filters that are left
 */
export function splitAll(filters: readonly string[]): { readonly all: boolean; readonly rest: string[] } {
  const isAll = (filter: string) => splitFilter(filter)[0] === "all";
  const values = filters.filter(isAll);
  const wanted = compileFilters<boolean>(values, { all: booleanFilter<boolean>((all) => all) });
  return { all: values.length > 0 && wanted(true), rest: filters.filter((filter) => !isAll(filter)) };
}
