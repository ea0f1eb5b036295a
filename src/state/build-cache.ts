/** What steps of builds left behind, by the digest of everything they depend on. */
import type { Database, Row } from "./db.ts";

export interface BuildCacheEntry {
  /** Digest of everything the step depends on. */
  readonly key: string;
  /** Row of the layer the step made; absent: it changed no file. */
  readonly layer?: number;
  /** Bytes of the layer's tar. */
  readonly blobSize: number;
  readonly created: number;
  /** When a build last used it. */
  readonly used: number;
  readonly note: string;
}

const COLUMNS = "key, layer, blob_size, created, used, note";
/** `used` is for pruning: a minute more or less is not worth a write for every step of a warm build. */
const COARSE_MS = 60_000;

export class BuildCache {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(key: string): BuildCacheEntry | undefined {
    const row = this.#db.get(`SELECT ${COLUMNS} FROM build_cache WHERE key = ?`, key);
    return row === undefined ? undefined : toEntry(row);
  }

  /** Two builds that made the same step at once agree on the first one's result, which is returned. */
  put(entry: BuildCacheEntry): BuildCacheEntry {
    return this.#db.transaction(() => {
      this.#db.run(
        `INSERT OR IGNORE INTO build_cache (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`,
        entry.key,
        entry.layer ?? null,
        entry.blobSize,
        entry.created,
        entry.used,
        entry.note,
      );
      return this.get(entry.key) as BuildCacheEntry;
    });
  }

  /** Notes that a build used these; may be lost in a power cut. */
  touch(entries: readonly BuildCacheEntry[], now = Date.now()): void {
    const stale = entries.filter((entry) => now - entry.used > COARSE_MS);
    if (stale.length === 0) return;
    this.#db.transaction(
      () => {
        for (const { key } of stale) this.#db.run("UPDATE build_cache SET used = ? WHERE key = ?", now, key);
      },
      { durable: false },
    );
  }

  /** Least recently used first. */
  list(): BuildCacheEntry[] {
    return this.#db.all(`SELECT ${COLUMNS} FROM build_cache ORDER BY used, created`).map(toEntry);
  }

  /** Forgets entries; layers nothing else needs go in the next sweep. */
  remove(keys: readonly string[]): void {
    this.#db.transaction(() => {
      for (const key of keys) this.#db.run("DELETE FROM build_cache WHERE key = ?", key);
    });
  }
}

function toEntry(row: Row): BuildCacheEntry {
  return {
    key: row.key as string,
    ...(row.layer === null ? {} : { layer: row.layer as number }),
    blobSize: row.blob_size as number,
    created: row.created as number,
    used: row.used as number,
    note: row.note as string,
  };
}
