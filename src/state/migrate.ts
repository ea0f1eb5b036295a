/** Making a database, and bringing an older one up to date. */
import { existsSync, linkSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errnoCode, randomHex, StorageError } from "../base/index.ts";
import { ensureDir, syncDirectory, writeError, writeFileAtomic } from "../host/index.ts";

/** The schema's version a database was last brought to. */
export function userVersion(handle: DatabaseSync): number {
  return (handle.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}

/**
 * Makes the database at `path` unless it exists. It is made under another name and linked into
 * place complete, so that processes starting at once, or one killed here, never meet half of it.
 */
export function createDatabase(path: string, migrations: readonly string[]): void {
  const workshop = join(dirname(path), "tmp");
  ensureDir(dirname(path));
  ensureDir(workshop);
  const temporary = join(workshop, `db-${randomHex(6)}`);
  try {
    // SQLite gives its -wal and -shm files the mode of this one.
    writeFileAtomic(temporary, "");
    fillDatabase(temporary, migrations);
    putInPlace(temporary, path);
    syncDirectory(dirname(path));
  } finally {
    for (const suffix of ["", "-journal", "-wal", "-shm"]) rmSync(temporary + suffix, { force: true });
  }
}

/**
 * The tables are written without a log, so that a full disk is met here: with one, the last pages
 * would go into the file when it is closed, and SQLite tells nobody if that fails.
 */
function fillDatabase(path: string, migrations: readonly string[]): void {
  const handle = new DatabaseSync(path);
  try {
    handle.exec("BEGIN");
    for (const step of migrations) handle.exec(step);
    handle.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
    handle.exec("PRAGMA journal_mode = WAL");
  } finally {
    handle.close();
  }
}

/** A link fails if the name is taken, as rename does not. */
function putInPlace(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    const code = errnoCode(error);
    if (code === "EEXIST") return;
    // A filesystem without hard links.
    if (code !== "EPERM" && code !== "EOPNOTSUPP" && code !== "ENOTSUP") throw writeError(path, error);
    if (!existsSync(path)) renameSync(temporary, path);
  }
}

/**
 * Brings an older database up to date, after a copy of it was put beside it. All steps
 * happen or none.
 */
export function migrate(handle: DatabaseSync, path: string, migrations: readonly string[]): void {
  const before = userVersion(handle);
  if (before > 0) backUp(handle, `${path}.v${before}.backup`);
  handle.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");
  try {
    // Another process may have done it while this one waited for the lock.
    for (const step of migrations.slice(userVersion(handle))) handle.exec(step);
    handle.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
  } catch (error) {
    handle.exec("ROLLBACK");
    throw error;
  }
}

function backUp(handle: DatabaseSync, target: string): void {
  const temporary = `${target}.${randomHex(6)}.tmp`;
  try {
    writeFileAtomic(temporary, ""); // with our mode; SQLite fills an empty file
    handle.prepare("VACUUM INTO ?").run(temporary);
    renameSync(temporary, target);
    syncDirectory(dirname(target));
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** @throws {StorageError} `store-too-new` */
export function refuseNewer(path: string, found: number, known: number): void {
  if (found <= known) return;
  throw new StorageError(
    "store-too-new",
    `cannot use store ${path}: a newer kelp wrote it (schema ${found}, this one knows ${known})`,
    { hint: "use that newer kelp, or another store with --root" },
  );
}
