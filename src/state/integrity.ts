/** Whether the database is sound, and whether its rows belong to something. */
import type { Database } from "./db.ts";

/** Rows of `child` whose `column` names no `key` of `parent` are of no use. A layer an image lacks is not among them: that is damage. */
const BELONGINGS = [
  { child: "image_names", column: "image", parent: "images", key: "id" },
  { child: "former_names", column: "image", parent: "images", key: "id" },
  { child: "image_digests", column: "image", parent: "images", key: "id" },
  { child: "image_layers", column: "image", parent: "images", key: "id" },
  { child: "build_cache", column: "layer", parent: "layers", key: "row" },
  { child: "endpoints", column: "container", parent: "containers", key: "id" },
] as const;

export interface DanglingRows {
  readonly table: string;
  readonly count: number;
}

export class Integrity {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** What SQLite says of its own pages; empty if all is well. */
  problems(): string[] {
    const lines = this.#db.all("PRAGMA quick_check").map((row) => String(Object.values(row)[0]));
    return lines.filter((line) => line !== "ok");
  }

  dangling(): DanglingRows[] {
    return BELONGINGS.map(({ child, ...link }) => ({
      table: child,
      count: Number(this.#db.get(`SELECT count(*) AS n FROM ${child} WHERE ${lost(link)}`)?.n ?? 0),
    })).filter(({ count }) => count > 0);
  }

  dropDangling(): void {
    this.#db.transaction(() => {
      for (const { child, ...link } of BELONGINGS) this.#db.run(`DELETE FROM ${child} WHERE ${lost(link)}`);
    });
  }
}

function lost({ column, parent, key }: { column: string; parent: string; key: string }): string {
  return `${column} IS NOT NULL AND ${column} NOT IN (SELECT ${key} FROM ${parent})`;
}
