/** The unpacked layers' records. A row exists before its directory is complete only inside one process: see `create`. */
import { errnoCode } from "../base/index.ts";
import type { Database, Row } from "./db.ts";
import type { LayerRecord } from "./records.ts";

const COLUMNS = "row, diff_id, chain_id, parent, blob, size";

export class Layers {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Records a layer and gives it its row. `publish` runs inside the transaction and renames the
   * finished directory to `layers/ROW`: the row and the directory appear together or not at all.
   * If another process recorded the same chain meanwhile, theirs is returned and `publish` is not called.
   *
   * A process that died between the rename and the commit leaves a directory whose number is
   * given out again; `publish` then fails with ENOTEMPTY or EEXIST and is called with the next number.
   */
  create(layer: Omit<LayerRecord, "row">, publish: (row: number) => void = () => {}): LayerRecord {
    return this.#db.transaction(() => {
      const existing = this.byChainId(layer.chainId);
      if (existing !== undefined) return existing;
      for (;;) {
        const row = this.#insert(layer);
        try {
          publish(row);
          return { row, ...layer };
        } catch (error) {
          if (!["ENOTEMPTY", "EEXIST"].includes(errnoCode(error) ?? "")) throw error;
          this.#db.run("DELETE FROM layers WHERE row = ?", row);
        }
      }
    });
  }

  #insert(layer: Omit<LayerRecord, "row">): number {
    return this.#db.run(
      "INSERT INTO layers (diff_id, chain_id, parent, blob, size) VALUES (?, ?, ?, ?, ?)",
      layer.diffId,
      layer.chainId,
      layer.parent ?? null,
      layer.blob ?? null,
      layer.size,
    ).row;
  }

  get(row: number): LayerRecord | undefined {
    return optional(this.#db.get(`SELECT ${COLUMNS} FROM layers WHERE row = ?`, row));
  }

  byChainId(chainId: string): LayerRecord | undefined {
    return optional(this.#db.get(`SELECT ${COLUMNS} FROM layers WHERE chain_id = ?`, chainId));
  }

  list(): LayerRecord[] {
    return this.#db.all(`SELECT ${COLUMNS} FROM layers ORDER BY row`).map(toRecord);
  }

  /** How many images contain this layer. */
  references(row: number): number {
    return Number(this.#db.get("SELECT count(*) AS n FROM image_layers WHERE layer = ?", row)?.n);
  }

  /** Layers that neither an image contains nor a build may use again, nor others stand on: the topmost first, to be removed in this order. */
  unused(): LayerRecord[] {
    return this.#db
      .all(
        `WITH RECURSIVE used(row) AS (
           SELECT layer FROM image_layers
           UNION SELECT layer FROM build_cache WHERE layer IS NOT NULL
           UNION SELECT parent FROM layers JOIN used USING (row) WHERE parent IS NOT NULL
         ) SELECT ${COLUMNS} FROM layers WHERE row NOT IN used ORDER BY row DESC`,
      )
      .map(toRecord);
  }

  /** Remembers which compressed blob a layer came from. */
  setBlob(row: number, blob: string | undefined): void {
    this.#db.transaction(() => this.#db.run("UPDATE layers SET blob = ? WHERE row = ?", blob ?? null, row));
  }

  /** Forgets a layer if no image, no other layer and no build needs it (any more): false otherwise. Its directory goes afterwards. */
  remove(row: number): boolean {
    return this.#db.transaction(
      () =>
        this.#db.run(
          `DELETE FROM layers WHERE row = ?
             AND NOT EXISTS (SELECT 1 FROM image_layers WHERE layer = layers.row)
             AND NOT EXISTS (SELECT 1 FROM build_cache WHERE layer = layers.row)
             AND NOT EXISTS (SELECT 1 FROM layers AS child WHERE child.parent = layers.row)`,
          row,
        ).changes > 0,
    );
  }
}

function optional(row: Row | undefined): LayerRecord | undefined {
  return row === undefined ? undefined : toRecord(row);
}

function toRecord(row: Row): LayerRecord {
  return {
    row: row.row as number,
    diffId: row.diff_id as string,
    chainId: row.chain_id as string,
    size: row.size as number,
    ...(row.parent === null ? {} : { parent: row.parent as number }),
    ...(row.blob === null ? {} : { blob: row.blob as string }),
  };
}
