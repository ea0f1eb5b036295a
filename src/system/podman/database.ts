/** What podman's own database says of volumes and containers: BoltDB up to podman 4, SQLite since 5. Only read. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { KelpError, StorageError } from "../../base/index.ts";
import { ensureDir } from "../../host/index.ts";
import { type BoltBucket, readBolt } from "./bolt.ts";

export interface PodmanVolume {
  readonly name: string;
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly mountPoint: string;
  readonly isAnonymous: boolean;
}

export interface PodmanContainer {
  readonly id: string;
  readonly name: string;
  /** The command line it was made with; empty for one made by podman's service. */
  readonly command: readonly string[];
  /** Its environment, for `--env NAME` on that command line. */
  readonly env: readonly string[];
  readonly isRunning: boolean;
  /** Names of the volumes it mounts, by destination. */
  readonly volumes: ReadonlyMap<string, string>;
}

export interface PodmanRecords {
  readonly volumes: readonly PodmanVolume[];
  readonly containers: readonly PodmanContainer[];
}

/** What a row of either database holds. */
interface Rows {
  readonly volumes: readonly string[];
  readonly containers: readonly (readonly [config: string, state: string])[];
}

/** @param scratch a directory of ours: SQLite writes beside the file it reads, so it gets a copy */
export function readRecords(root: string, scratch: string): PodmanRecords {
  const bolt = join(root, "libpod", "bolt_state.db");
  const sqlite = join(root, "db.sql");
  const path = [sqlite, bolt].find((file) => existsSync(file));
  if (path === undefined) return { volumes: [], containers: [] };
  try {
    return records(path === sqlite ? readSqlite(path, scratch) : boltRows(readBolt(readFileSync(path))));
  } catch (cause) {
    if (cause instanceof KelpError) throw cause;
    const { message } = cause as Error;
    throw new StorageError("podman-store-damaged", `cannot read ${path}: ${message}`, { cause });
  }
}

function boltRows(root: BoltBucket): Rows {
  return {
    volumes: inner(root, "vol").map((volume) => text(volume, "config")),
    containers: inner(root, "ctr").map(
      (container) => [text(container, "config"), text(container, "state")] as const,
    ),
  };
}

function inner(root: BoltBucket, name: string): BoltBucket[] {
  const bucket = root.get(name);
  return bucket instanceof Map ? [...bucket.values()].filter((value) => value instanceof Map) : [];
}

function text(bucket: BoltBucket, key: string): string {
  const value = bucket.get(key);
  return value instanceof Uint8Array ? Buffer.from(value).toString() : "{}";
}

function readSqlite(path: string, scratch: string): Rows {
  ensureDir(scratch);
  const directory = mkdtempSync(join(scratch, "podman-"));
  try {
    for (const suffix of ["", "-wal"])
      if (existsSync(path + suffix)) copyFileSync(path + suffix, join(directory, `db.sql${suffix}`));
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    const database = new DatabaseSync(join(directory, "db.sql"));
    try {
      const rows = <T>(query: string) => database.prepare(query).all() as T[];
      return {
        volumes: rows<{ config: string }>(`SELECT ${asText("JSON")} AS config FROM VolumeConfig`).map(
          ({ config }) => config,
        ),
        containers: rows<{ config: string; state: string }>(
          `SELECT ${asText("c.JSON")} AS config, ${asText("s.JSON")} AS state FROM ContainerConfig c JOIN ContainerState s ON s.ID = c.ID`,
        ).map(({ config, state }) => [config, state] as const),
      };
    } finally {
      database.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** podman writes some of its documents as text and others as bytes. */
const asText = (column: string) => `CAST(${column} AS TEXT)`;

function records({ volumes, containers }: Rows): PodmanRecords {
  return {
    volumes: volumes.map(readVolume).sort(byName),
    containers: containers.map(([config, state]) => readContainer(config, state)).sort(byName),
  };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function readVolume(json: string): PodmanVolume {
  const { name, volumeDriver, labels, mountPoint, isAnon } = JSON.parse(json);
  return {
    name,
    driver: volumeDriver || "local",
    labels: labels ?? {},
    mountPoint,
    isAnonymous: isAnon === true,
  };
}

const RUNNING = 3;
const PAUSED = 5;

function readContainer(json: string, stateJson: string): PodmanContainer {
  const { id, name, CreateCommand, spec, namedVolumes } = JSON.parse(json);
  const { state, pid } = JSON.parse(stateJson);
  // After a reboot the database still says that it runs.
  const isRunning = [RUNNING, PAUSED].includes(state) && existsSync(`/proc/${pid}`);
  const mounts: readonly { volumeName: string; dest: string }[] = namedVolumes ?? [];
  const volumes = new Map(mounts.map(({ volumeName, dest }) => [dest, volumeName]));
  return { id, name, command: CreateCommand ?? [], env: spec?.process?.env ?? [], isRunning, volumes };
}
