/** SQLite behind the few calls the repositories need: lazy opening, cached statements, short write transactions. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { StorageError } from "../base/index.ts";
import { ensureDir } from "../host/index.ts";
import { MIGRATIONS, SCHEMA_VERSION } from "./schema.ts";

export type Row = Record<string, unknown>;

export interface TransactionOptions {
  /** False: may be lost in a power cut (never in a crash). For what `--rm` will delete anyway. */
  readonly durable?: boolean;
}

/** How long a writer waits for others before it gives up. */
const BUSY_TIMEOUT_MS = 20_000;

export class Database {
  readonly #path: string;
  #handle: DatabaseSync | undefined;
  #inMemory = false;
  #synchronous: "FULL" | "NORMAL" | undefined;
  #depth = 0;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string) {
    this.#path = path;
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined;
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  /** Executes a write (inside `transaction`); returns the new row's number and how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): { readonly row: number; readonly changes: number } {
    const result = this.#statement(sql).run(...values);
    return { row: Number(result.lastInsertRowid), changes: Number(result.changes) };
  }

  /** Runs `body` with the write lock held; all of it happens or nothing. Nested calls join the outer one. */
  transaction<T>(body: () => T, options: TransactionOptions = {}): T {
    if (this.#depth > 0) return body();
    const handle = this.#forWriting();
    this.#setSynchronous(handle, options.durable === false ? "NORMAL" : "FULL");
    handle.exec("BEGIN IMMEDIATE");
    this.#depth++;
    try {
      const result = body();
      handle.exec("COMMIT");
      return result;
    } catch (error) {
      handle.exec("ROLLBACK");
      throw error;
    } finally {
      this.#depth--;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#handle?.close();
    this.#handle = undefined;
    this.#synchronous = undefined;
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#open().prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Readers of a store that does not exist see an empty one, and do not make it. */
  #open(): DatabaseSync {
    if (this.#handle === undefined) {
      this.#inMemory = !existsSync(this.#path);
      this.#handle = openHandle(this.#inMemory ? ":memory:" : this.#path);
      migrate(this.#handle, this.#path);
    }
    return this.#handle;
  }

  #forWriting(): DatabaseSync {
    if (this.#handle !== undefined && !this.#inMemory) return this.#handle;
    if (this.#handle !== undefined) this.close();
    if (!existsSync(this.#path)) ensureDir(dirname(this.#path));
    this.#inMemory = false;
    this.#handle = openHandle(this.#path);
    migrate(this.#handle, this.#path);
    return this.#handle;
  }

  #setSynchronous(handle: DatabaseSync, mode: "FULL" | "NORMAL"): void {
    if (this.#synchronous === mode) return;
    handle.exec(`PRAGMA synchronous = ${mode}`);
    this.#synchronous = mode;
  }
}

function openHandle(path: string): DatabaseSync {
  return new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
}

function migrate(handle: DatabaseSync, path: string): void {
  const version = userVersion(handle);
  if (version === SCHEMA_VERSION) return;
  if (version > SCHEMA_VERSION) {
    throw new StorageError(
      "store-too-new",
      `cannot use store ${path}: it was written by a newer kelp (schema ${version}, this one knows ${SCHEMA_VERSION})`,
      { hint: "use that newer kelp, or another store with --root" },
    );
  }
  handle.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");
  for (const step of MIGRATIONS.slice(userVersion(handle))) handle.exec(step);
  handle.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

function userVersion(handle: DatabaseSync): number {
  return Number((handle.prepare("PRAGMA user_version").get() as { user_version: number }).user_version);
}
