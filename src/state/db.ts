/** SQLite behind the few calls the repositories need: lazy opening, cached statements, short write transactions. */
import { existsSync, statSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { StorageError } from "../base/index.ts";
import { createDatabase, migrate, refuseNewer } from "./migrate.ts";
import { openHandle } from "./open.ts";
import { keepReserve, spendReserve } from "./reserve.ts";
import { MIGRATIONS } from "./schema.ts";
import { BUSY_TIMEOUT_MS, retryBusy, storeError } from "./sqlite.ts";

export type Row = Record<string, unknown>;

export interface TransactionOptions {
  /** False: may be lost in a power cut (never in a crash). For what `--rm` will delete anyway. */
  readonly durable?: boolean;
}

/**
 * Bytes of log after which a commit moves them into the database (256 pages). The first opener after an idle
 * time reads the whole log (measured: 0.25 ms for 200 pages, 1.2 ms for SQLite's usual 1000).
 */
const LOG_LIMIT = 256 * 4120;

type Mode = "empty" | "read" | "write";

export class Database {
  readonly #path: string;
  readonly #migrations: readonly string[];
  readonly #statements = new Map<string, StatementSync>();
  #handle: DatabaseSync | undefined;
  #inode: number | undefined;
  #keeper: DatabaseSync | undefined;
  #mode: Mode = "empty";
  #firstMode: "read" | "write" = "read";
  #synchronous: "FULL" | "NORMAL" | undefined;
  #inTransaction = false;
  #afterCommit: (() => void)[] = [];
  #ifUndone: (() => void)[] = [];

  /** Opens nothing yet. `migrations` is a parameter for tests. */
  constructor(path: string, migrations: readonly string[] = MIGRATIONS) {
    this.#path = path;
    this.#migrations = migrations;
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#guard(() => this.#statement(sql).get(...values) as Row | undefined);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#guard(() => this.#statement(sql).all(...values) as Row[]);
  }

  /** Executes a write, inside `transaction` only; returns the new row's number and how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): { readonly row: number; readonly changes: number } {
    return this.#guard(() => {
      const result = this.#statement(sql).run(...values);
      return { row: Number(result.lastInsertRowid), changes: Number(result.changes) };
    });
  }

  /** Runs `body` with the write lock held; all of it happens or nothing. Nested calls join the outer one. */
  transaction<T>(body: () => T, options: TransactionOptions = {}): T {
    if (this.#inTransaction) return body();
    const result = this.#guard(() => this.#transact(body, options));
    this.#limitLog();
    const hooks = this.#afterCommit;
    this.#afterCommit = [];
    for (const hook of hooks) hook();
    return result;
  }

  #transact<T>(body: () => T, options: TransactionOptions): T {
    const handle = this.#openFor("write");
    this.#setSynchronous(handle, options.durable === false ? "NORMAL" : "FULL");
    retryBusy(() => handle.exec("BEGIN IMMEDIATE"), BUSY_TIMEOUT_MS);
    this.#inTransaction = true;
    try {
      this.#requireInPlace();
      const result = body();
      handle.exec("COMMIT");
      return result;
    } catch (error) {
      this.#afterCommit = [];
      for (const hook of this.#ifUndone.toReversed()) hook();
      rollBack(handle);
      throw error;
    } finally {
      this.#ifUndone = [];
      this.#inTransaction = false;
    }
  }

  /** `system reset` may have taken the store away from under this command: what is written now would be lost. */
  #requireInPlace(): void {
    if (this.#inode === undefined || this.#inode === inodeOf(this.#path)) return;
    throw new StorageError("store-replaced", `cannot use store ${this.#path}: it was reset meanwhile`, {
      hint: "try again",
    });
  }

  /**
   * SQLite's own checkpoint leaves the log's end where it was, and what has been moved is known only as long as
   * somebody has the database open: with commands that come and go the log would grow, and be synced and moved anew
   * by every one of them. So the log is emptied; where others are using it, one of the next commands does.
   */
  #limitLog(): void {
    const size = statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= LOG_LIMIT) return;
    try {
      this.#handle?.exec("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)");
      keepReserve(this.#path);
    } catch {
      // What was committed is safe in the log; a disk too full to move it now may have room later.
    } finally {
      this.#handle?.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  /** Calls `hook` when the running transaction has been committed; never if it is rolled back. */
  afterCommit(hook: () => void): void {
    this.#afterCommit.push(hook);
  }

  /** Calls `hook` if the running transaction fails, while nobody else can write yet: for files that went along with it. */
  ifUndone(hook: () => void): void {
    if (this.#inTransaction) this.#ifUndone.push(hook);
  }

  /** Says that what is written next removes something: a full disk lets that happen. */
  makeRoom(): void {
    spendReserve(this.#path);
  }

  /** Says that a write will follow, so that an existing database is opened once, for writing. */
  expectWrites(): void {
    this.#firstMode = "write";
  }

  close(): void {
    this.#statements.clear();
    this.#handle?.close();
    this.#handle = undefined;
    this.#keeper?.close();
    this.#keeper = undefined;
    this.#synchronous = undefined;
    openForWriting.delete(this);
  }

  #guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw storeError(this.#path, error);
    }
  }

  #statement(sql: string): StatementSync {
    // Somebody may have made the store since this process saw that there is none.
    if (this.#mode === "empty" && this.#handle !== undefined && existsSync(this.#path)) this.close();
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#openFor("read").prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #openFor(purpose: "read" | "write"): DatabaseSync {
    if (this.#handle !== undefined && (this.#mode === "write" || purpose === "read")) return this.#handle;
    this.close();
    if (!existsSync(this.#path)) {
      if (purpose === "read") return this.#openEmpty();
      createDatabase(this.#path, this.#migrations);
    }
    return this.#open(purpose === "write" ? "write" : this.#firstMode);
  }

  /** Readers of a store that does not exist see an empty one, and do not make it. */
  #openEmpty(): DatabaseSync {
    const handle = new DatabaseSync(":memory:");
    for (const step of this.#migrations) handle.exec(step);
    this.#mode = "empty";
    this.#handle = handle;
    return handle;
  }

  #open(mode: "read" | "write"): DatabaseSync {
    const inode = inodeOf(this.#path);
    const { handle, version, shared } = retryBusy(() => openHandle(this.#path, mode), BUSY_TIMEOUT_MS);
    this.#inode = inode;
    this.#mode = mode;
    this.#handle = handle;
    if (version !== this.#migrations.length) {
      refuseNewer(this.#path, version, this.#migrations.length);
      if (mode === "read") {
        this.close();
        return this.#open("write");
      }
      migrate(handle, this.#path, this.#migrations);
    }
    if (mode === "write" && shared) this.#keepLog();
    return handle;
  }

  /**
   * The last writer to close a database moves its log into it, waits for the disk twice and removes the
   * log, so that the next one waits twice to begin another: much for a command of milliseconds. A reader
   * does nothing of that. So a reading handle is open when the writing one is closed, and closed after it.
   */
  #keepLog(): void {
    this.#keeper ??= openHandle(this.#path, "read").handle;
    closeAtExit(this);
  }

  #setSynchronous(handle: DatabaseSync, mode: "FULL" | "NORMAL"): void {
    if (this.#synchronous === mode) return;
    handle.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = ${mode}`);
    this.#synchronous = mode;
  }
}

const openForWriting = new Set<Database>();
let listening = false;

/** At the end of a process the runtime closes handles in any order. */
function closeAtExit(database: Database): void {
  openForWriting.add(database);
  if (listening) return;
  listening = true;
  process.once("exit", () => {
    for (const one of openForWriting) one.close();
  });
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function rollBack(handle: DatabaseSync): void {
  try {
    handle.exec("ROLLBACK");
  } catch {
    // SQLite has rolled back by itself after some failures (a full disk), and says so here.
  }
}
