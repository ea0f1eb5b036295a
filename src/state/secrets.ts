/** The secrets' records. What is in them is encrypted before it comes here. */
import { ConflictError } from "../base/index.ts";
import type { Database, Row } from "./db.ts";

export interface SecretRecord {
  /** 25 hex digits. */
  readonly id: string;
  readonly name: string;
  readonly created: number;
  readonly updated: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Encrypted. */
  readonly data: Uint8Array;
}

const COLUMNS = "id, name, created, updated, labels, data";

export class Secrets {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * @param replace whether one of that name may be replaced
   * @throws {ConflictError} `secret-exists`
   */
  put(secret: SecretRecord, replace: boolean): void {
    this.#db.transaction(() => {
      const before = this.byName(secret.name);
      if (before !== undefined && !replace) {
        throw new ConflictError("secret-exists", `${secret.name}: secret name in use`, {
          hint: "Use --replace to put another one in its place.",
        });
      }
      if (before !== undefined) this.remove(before.id);
      const { id, name, created, updated, labels, data } = secret;
      this.#db.run(
        `INSERT INTO secrets (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`,
        id,
        name,
        created,
        updated,
        JSON.stringify(labels),
        data,
      );
    });
  }

  byName(name: string): SecretRecord | undefined {
    const row = this.#db.get(`SELECT ${COLUMNS} FROM secrets WHERE name = ?`, name);
    return row === undefined ? undefined : toRecord(row);
  }

  /** All, by name. */
  list(): SecretRecord[] {
    return this.#db.all(`SELECT ${COLUMNS} FROM secrets ORDER BY name`).map(toRecord);
  }

  remove(id: string): boolean {
    return this.#db.transaction(() => this.#db.run("DELETE FROM secrets WHERE id = ?", id).changes > 0);
  }
}

function toRecord(row: Row): SecretRecord {
  return {
    id: row.id as string,
    name: row.name as string,
    created: row.created as number,
    updated: row.updated as number,
    labels: JSON.parse(row.labels as string),
    data: row.data as Uint8Array,
  };
}
