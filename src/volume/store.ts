/** Local volumes: `data/volumes/NAME/_data` and a record. */
import { chmodSync, existsSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { errnoCode, NotFoundError, randomHex, UsageError } from "../base/index.ts";
import { ensureDir } from "../host/index.ts";
import { type Context, type VolumeRecord, writeEvent } from "../state/index.ts";
import { checkVolumeOptions } from "./options.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** A name becomes one component of a path. */
const MAX_LENGTH = 255;

export interface CreateVolume {
  readonly name: string;
  readonly driver?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  /** Removed with its container. */
  readonly anonymous?: boolean;
}

/** @throws {UsageError} for what could be another path than one below the volumes' directory. */
export function checkVolumeName(name: string): string {
  if (!NAME.test(name) || name.length > MAX_LENGTH) {
    throw new UsageError(
      "invalid-name",
      `running volume create option: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument`,
      name.includes("/") ? { hint: `a directory of this machine is written as ./${name} or /…` } : {},
    );
  }
  return name;
}

/** 64 hex digits: the name of a volume nobody named. */
export function newVolumeName(): string {
  return randomHex(32);
}

/** Where new volumes are made; those that were made elsewhere stay there. */
export function volumesDir(ctx: Pick<Context, "paths" | "settings">): string {
  return ctx.settings.volumePath || join(ctx.paths.data, "volumes");
}

/** The directory that holds a volume's data directory. */
export function volumeDir(ctx: Context, name: string): string {
  return join(volumesDir(ctx), checkVolumeName(name));
}

/**
 * Makes the record and the directory: a crash between leaves an empty directory that the next volume
 * of that name takes over.
 *
 * @throws {ConflictError} `volume-exists`
 */
export function createVolume(ctx: Context, request: CreateVolume): VolumeRecord {
  const driver = request.driver ?? "local";
  if (driver !== "local") {
    throw new NotFoundError(
      "no-volume-driver",
      `looking up volume plugin ${driver}: no volume plugin with name ${JSON.stringify(driver)} available: required plugin missing`,
    );
  }
  checkVolumeOptions(request.options ?? {});
  const directory = volumeDir(ctx, request.name);
  const mountpoint = join(directory, "_data");
  const volume = ctx.state.transaction(() => {
    const record = ctx.state.volumes.create({
      name: request.name,
      created: Date.now(),
      driver,
      labels: request.labels ?? {},
      options: request.options ?? {},
      anonymous: request.anonymous ?? false,
      mountpoint,
    });
    if (!existsSync(mountpoint)) ctx.state.ifUndone(() => dropEmptyVolume(directory));
    ensureDir(mountpoint);
    chmodSync(mountpoint, 0o755);
    return record;
  });
  writeEvent(ctx, { type: "volume", status: "create", name: volume.name });
  return volume;
}

/** Removes a volume's directory if nothing is in it, and says whether it is gone; in a transaction, and without a record. */
export function dropEmptyVolume(directory: string): boolean {
  try {
    rmdirSync(join(directory, "_data"));
    rmdirSync(directory);
  } catch (error) {
    if (errnoCode(error) !== "ENOENT" && errnoCode(error) !== "ENOTEMPTY") throw error;
  }
  return !existsSync(directory);
}

/** The volume of that name, made if it is not there; `created` tells which. */
export function ensureVolume(
  ctx: Context,
  request: CreateVolume,
): { volume: VolumeRecord; created: boolean } {
  return ctx.state.transaction(() => {
    const volume = ctx.state.volumes.get(request.name);
    return volume === undefined
      ? { volume: createVolume(ctx, request), created: true }
      : { volume, created: false };
  });
}
