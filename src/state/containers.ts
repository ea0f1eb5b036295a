/** The containers' records: who they are and what `create` decided. How they live is in files (see runtime). */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, errnoCode, NotFoundError, nearHint } from "../base/index.ts";
import { containerDir, goneDir, type Paths } from "../host/index.ts";
import type { Database, Row } from "./db.ts";
import { isIdPrefix, randomName } from "./names.ts";
import type { ContainerConfig, ContainerRecord } from "./records.ts";

/** A container about to be recorded; an absent name is chosen. */
export interface NewContainer {
  readonly id: string;
  readonly name?: string | undefined;
  readonly created?: number;
  readonly config: ContainerConfig;
}

/** A `--rm` container that has ended; without a record if its row went already. */
export interface GoneContainer {
  readonly id: string;
  readonly record?: ContainerRecord;
}

const COLUMNS = "id, name, created, config";

export class Containers {
  readonly #db: Database;
  readonly #paths: Paths;

  constructor(db: Database, paths: Paths) {
    this.#db = db;
    this.#paths = paths;
  }

  /**
   * Records a container and claims its name in one transaction, synced to disk unless it is a `--rm` one.
   *
   * @throws {ConflictError} `name-in-use`
   */
  create(container: NewContainer): ContainerRecord {
    const durable = !container.config.autoRemove;
    return this.#db.transaction(
      () => {
        this.sweepGone();
        return this.#insert(container);
      },
      { durable },
    );
  }

  #insert(container: NewContainer): ContainerRecord {
    const name = container.name ?? this.#freeName();
    this.#claim(name);
    const created = container.created ?? Date.now();
    this.#db.run(
      "INSERT INTO containers (id, name, image, created, config) VALUES (?, ?, ?, ?, ?)",
      container.id,
      name,
      container.config.image,
      created,
      JSON.stringify(container.config),
    );
    return { id: container.id, name, created, config: container.config };
  }

  #claim(name: string): void {
    const holder = this.#db.get("SELECT id FROM containers WHERE name = ?", name);
    if (holder === undefined) return;
    throw new ConflictError(
      "name-in-use",
      `the container name "${name}" is already in use by ${holder.id}. You have to remove that container to be able to reuse that name: that name is already in use`,
    );
  }

  #freeName(): string {
    for (let attempt = 0; ; attempt++) {
      const name = attempt < 20 ? randomName() : `${randomName()}${attempt}`;
      if (this.#db.get("SELECT 1 FROM containers WHERE name = ?", name) === undefined) return name;
    }
  }

  /** By full id. */
  get(id: string): ContainerRecord | undefined {
    return this.#visible(this.#db.get(`SELECT ${COLUMNS} FROM containers WHERE id = ?`, id));
  }

  /** True also for one that has ended and is only waiting to be forgotten. */
  has(id: string): boolean {
    return this.#db.get("SELECT 1 FROM containers WHERE id = ?", id) !== undefined;
  }

  byName(name: string): ContainerRecord | undefined {
    return this.#visible(this.#db.get(`SELECT ${COLUMNS} FROM containers WHERE name = ?`, name));
  }

  /** All, oldest first. */
  list(): ContainerRecord[] {
    const gone = this.#goneIds();
    const rows = this.#db.all(`SELECT ${COLUMNS} FROM containers ORDER BY seq`);
    return rows.filter((row) => !gone.has(row.id as string)).map(toRecord);
  }

  usingImage(imageId: string): ContainerRecord[] {
    const gone = this.#goneIds();
    const rows = this.#db.all(`SELECT ${COLUMNS} FROM containers WHERE image = ? ORDER BY seq`, imageId);
    return rows.filter((row) => !gone.has(row.id as string)).map(toRecord);
  }

  /** Containers that mount the named volume. */
  usingVolume(name: string): ContainerRecord[] {
    return this.list().filter((container) =>
      container.config.mounts.some((mount) => mount.type === "volume" && mount.source === name),
    );
  }

  /**
   * What a user's word means: a full id, then a name, then the beginning of exactly one id.
   *
   * @throws {NotFoundError} `no-such-container`
   * @throws {ConflictError} `ambiguous-id`
   */
  resolve(nameOrPrefix: string): ContainerRecord {
    const exact = this.get(nameOrPrefix) ?? this.byName(nameOrPrefix);
    if (exact !== undefined) return exact;
    const found = isIdPrefix(nameOrPrefix) ? this.#byPrefix(nameOrPrefix) : [];
    if (found.length > 1) {
      throw new ConflictError(
        "ambiguous-id",
        `more than one result container "${nameOrPrefix}": several container IDs begin with it`,
        { hint: "give more digits of the ID, or the name" },
      );
    }
    const only = found[0];
    if (only !== undefined) return only;
    throw this.missing(nameOrPrefix);
  }

  missing(name: string): NotFoundError {
    const names = this.list().map((record) => record.name);
    return new NotFoundError(
      "no-such-container",
      `no container with name or ID ${JSON.stringify(name)} found: no such container`,
      nearHint(name, names, "`kelp ps -a` lists the containers"),
    );
  }

  #byPrefix(prefix: string): ContainerRecord[] {
    const gone = this.#goneIds();
    const rows = this.#db.all(
      `SELECT ${COLUMNS} FROM containers WHERE id >= ? AND id < ?`,
      prefix,
      `${prefix}g`, // "g" sorts after every hex digit
    );
    return rows.filter((row) => !gone.has(row.id as string)).map(toRecord);
  }

  rename(id: string, name: string): void {
    this.#db.transaction(() => {
      this.sweepGone();
      if (!this.has(id)) throw this.missing(id);
      this.#claim(name);
      this.#db.run("UPDATE containers SET name = ? WHERE id = ?", name, id);
    });
  }

  /**
   * Changes what `create` decided: `change` gets it as it is now, whoever else has changed it meanwhile.
   *
   * @throws {NotFoundError} `no-such-container`
   */
  changeConfig(id: string, change: (config: ContainerConfig) => ContainerConfig): ContainerRecord {
    return this.#db.transaction(() => {
      const record = this.get(id);
      if (record === undefined) throw this.missing(id);
      const changed = { ...record, config: change(record.config) };
      this.#db.run("UPDATE containers SET config = ? WHERE id = ?", JSON.stringify(changed.config), id);
      return changed;
    });
  }

  /** Forgets a container; false if it was not there. Its files are the caller's affair, and go first. */
  remove(id: string, options: { readonly durable?: boolean } = {}): boolean {
    this.#db.makeRoom();
    return this.#db.transaction(
      () => this.#db.run("DELETE FROM containers WHERE id = ?", id).changes > 0,
      options,
    );
  }

  /** `--rm` containers that have ended and left a marker: readers look past them, writers tidy them away. */
  gone(): GoneContainer[] {
    return [...this.#goneIds()].map((id) => {
      const row = this.#db.get(`SELECT ${COLUMNS} FROM containers WHERE id = ?`, id);
      return row === undefined ? { id } : { id, record: toRecord(row) };
    });
  }

  /** Those of them whose files or anonymous volumes are still there: more than a row has to go. */
  goneWithRemains(): GoneContainer[] {
    return this.gone().filter((gone) => this.#hasRemains(gone));
  }

  /**
   * Deletes the rows of `--rm` containers that have ended and of which nothing else is left: their monitor removed the
   * files and left a marker, since it knows no database.
   */
  sweepGone(): void {
    this.dropGone(this.gone().filter((gone) => !this.#hasRemains(gone)));
  }

  /** Deletes their rows and, once that is certain, their markers. */
  dropGone(gone: readonly GoneContainer[]): void {
    if (gone.length === 0) return;
    this.#db.transaction(
      () => {
        for (const { id } of gone) this.#db.run("DELETE FROM containers WHERE id = ?", id);
        this.#db.afterCommit(() => {
          for (const { id } of gone) rmSync(join(goneDir(this.#paths), id), { force: true });
        });
      },
      { durable: false },
    );
  }

  #hasRemains({ id, record }: GoneContainer): boolean {
    if (existsSync(containerDir(this.#paths, id))) return true;
    const names = (record?.config.mounts ?? []).flatMap(({ type, source }) =>
      type === "volume" && source !== undefined ? [source] : [],
    );
    const sql = "SELECT 1 FROM volumes WHERE name = ? AND anonymous = 1";
    return names.some((name) => this.#db.get(sql, name) !== undefined);
  }

  #goneIds(): Set<string> {
    try {
      return new Set(readdirSync(goneDir(this.#paths)));
    } catch (error) {
      if (errnoCode(error) === "ENOENT") return new Set();
      throw error;
    }
  }

  #visible(row: Row | undefined): ContainerRecord | undefined {
    if (row === undefined || existsSync(join(goneDir(this.#paths), row.id as string))) return undefined;
    return toRecord(row);
  }
}

function toRecord(row: Row): ContainerRecord {
  return {
    id: row.id as string,
    name: row.name as string,
    created: row.created as number,
    config: JSON.parse(row.config as string) as ContainerConfig,
  };
}
