/** The volumes' records. */
import { ConflictError } from "../base/index.ts";
import type { Database, Row } from "./db.ts";
import type { VolumeRecord } from "./records.ts";

const COLUMNS = "name, created, driver, labels, options, anonymous, mountpoint";

export class Volumes {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @throws {ConflictError} `volume-exists` */
  create(volume: VolumeRecord): VolumeRecord {
    return this.#db.transaction(() => {
      if (this.get(volume.name) !== undefined) {
        throw new ConflictError(
          "volume-exists",
          `volume with name ${volume.name} already exists: volume already exists`,
        );
      }
      this.#db.run(
        `INSERT INTO volumes (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        volume.name,
        volume.created,
        volume.driver,
        JSON.stringify(volume.labels),
        JSON.stringify(volume.options),
        volume.anonymous ? 1 : 0,
        volume.mountpoint,
      );
      return volume;
    });
  }

  get(name: string): VolumeRecord | undefined {
    const row = this.#db.get(`SELECT ${COLUMNS} FROM volumes WHERE name = ?`, name);
    return row === undefined ? undefined : toRecord(row);
  }

  /** All, by name. */
  list(): VolumeRecord[] {
    return this.#db.all(`SELECT ${COLUMNS} FROM volumes ORDER BY name`).map(toRecord);
  }

  /** Forgets a volume; false if it was not there. Whether a container uses it is the caller's question. */
  remove(name: string): boolean {
    this.#db.makeRoom();
    return this.#db.transaction(() => this.#db.run("DELETE FROM volumes WHERE name = ?", name).changes > 0);
  }
}

function toRecord(row: Row): VolumeRecord {
  return {
    name: row.name as string,
    created: row.created as number,
    driver: row.driver as string,
    labels: JSON.parse(row.labels as string),
    options: JSON.parse(row.options as string),
    anonymous: row.anonymous === 1,
    mountpoint: row.mountpoint as string,
  };
}
