import { afterEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Database } from "../../../src/state/db.ts";
import { newId } from "../../../src/state/index.ts";
import { MIGRATIONS } from "../../../src/state/schema.ts";
import { config, openState, pathsIn, removeScratch, scratch } from "./support.ts";

afterEach(removeScratch);

test("reading a store that does not exist shows an empty one and makes nothing", () => {
  const paths = pathsIn(scratch());
  const state = openState(paths);
  expect(state.containers.list()).toEqual([]);
  expect(state.images.list()).toEqual([]);
  expect(existsSync(paths.data)).toBe(false);
});

test("a store made meanwhile by somebody else is seen", () => {
  const paths = pathsIn(scratch());
  const reader = openState(paths);
  expect(reader.containers.list()).toEqual([]);
  openState(paths).containers.create({ id: newId(), config: config() });
  expect(reader.containers.list()).toHaveLength(1);
});

test("the store is private from the first moment, and nothing half-made stays", () => {
  const paths = pathsIn(scratch());
  openState(paths).containers.create({ id: newId(), config: config() });
  expect(statSync(paths.data).mode & 0o777).toBe(0o700);
  for (const name of ["kelp.db", "kelp.db-wal", "kelp.db-shm"]) {
    expect(statSync(join(paths.data, name)).mode & 0o777).toBe(0o600);
  }
  expect(readdirSync(join(paths.data, "tmp"))).toEqual([]);
});

test("a transaction is all or nothing, nested ones included", () => {
  const state = openState();
  expect(() =>
    state.transaction(() => {
      state.containers.create({ id: newId(), name: "a", config: config() });
      state.containers.create({ id: newId(), name: "a", config: config() });
    }),
  ).toThrow("already in use");
  expect(state.containers.list()).toEqual([]);
});

test("durable writes are synced at once, those of --rm containers need not be", () => {
  const path = join(scratch(), "kelp.db");
  const db = new Database(path);
  const mode = () => db.get("PRAGMA synchronous")?.synchronous;
  db.transaction(() => {}, { durable: false });
  expect(mode()).toBe(1);
  db.transaction(() => {});
  expect(mode()).toBe(2);
  expect(db.get("PRAGMA journal_mode")?.journal_mode).toBe("wal");
  db.close();
});

test("a newer schema is refused with advice, by readers and writers, and left alone", () => {
  const path = join(scratch(), "kelp.db");
  new Database(path, [...MIGRATIONS, "CREATE TABLE later (a)"]).transaction(() => {});
  const older = new Database(path);
  const refusal = `cannot use store ${path}: a newer kelp wrote it (schema ${MIGRATIONS.length + 1}, this one knows ${MIGRATIONS.length})`;
  expect(() => older.get("SELECT 1 FROM containers")).toThrow(refusal);
  expect(() => older.transaction(() => {})).toThrow(refusal);
  older.close();
});

test("an older schema is migrated by the first who opens it, after a backup", () => {
  const path = join(scratch(), "kelp.db");
  const first = new Database(path, ["CREATE TABLE a (x)"]);
  first.transaction(() => first.run("INSERT INTO a VALUES (7)"));
  first.close();

  const second = new Database(path, ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y DEFAULT 1"]);
  expect(second.get("SELECT x, y FROM a")).toEqual({ x: 7, y: 1 });
  second.close();

  const backup = new DatabaseSync(`${path}.v1.backup`, { readOnly: true });
  expect(backup.prepare("SELECT * FROM a").all() as unknown[]).toEqual([{ x: 7 }]);
  backup.close();
  expect(statSync(`${path}.v1.backup`).mode & 0o777).toBe(0o600);
});

test("a migration that fails leaves the database as it was", () => {
  const path = join(scratch(), "kelp.db");
  const first = new Database(path, ["CREATE TABLE a (x)"]);
  first.transaction(() => {});
  first.close();
  const broken = new Database(path, ["CREATE TABLE a (x)", "CREATE TABLE b (y)", "CREATE TABLE a (z)"]);
  expect(() => broken.get("SELECT * FROM b")).toThrow("already exists");
  broken.close();
  const again = new Database(path, ["CREATE TABLE a (x)"]);
  expect(() => again.get("SELECT * FROM b")).toThrow("no such table");
  again.close();
});

test("a damaged database is named as such", () => {
  const path = join(scratch(), "kelp.db");
  writeFileSync(path, "not a database ".repeat(1000));
  expect(() => new Database(path).get("SELECT 1 FROM containers")).toThrow(
    `cannot use store ${path}: its content is damaged`,
  );
});

test("a place that cannot be written is named with advice", () => {
  const root = scratch();
  writeFileSync(join(root, "file"), "");
  const state = openState({ ...pathsIn(root), data: join(root, "file", "store") });
  expect(() => state.containers.create({ id: newId(), config: config() })).toThrow(
    `cannot create directory ${join(root, "file", "store")}: not a directory`,
  );
});

test.skipIf(process.getuid?.() === 0)(
  "a read-only store can be read and says why it cannot be written",
  () => {
    const paths = pathsIn(scratch());
    const maker = openState(paths);
    maker.containers.create({ id: newId(), name: "kept", config: config() });
    maker.close();
    chmodSync(join(paths.data, "kelp.db"), 0o400);
    chmodSync(paths.data, 0o500);
    const state = openState(paths);
    expect(state.containers.byName("kept")).toBeDefined();
    expect(() => state.containers.remove("x")).toThrow(
      /cannot use store .*(cannot be written|cannot be opened)/,
    );
    chmodSync(paths.data, 0o700);
  },
);

test("a store that somebody may tamper with is refused", () => {
  const paths = pathsIn(scratch());
  mkdirSync(paths.data);
  chmodSync(paths.data, 0o777);
  expect(() => openState(paths).containers.create({ id: newId(), config: config() })).toThrow(
    `cannot use directory ${paths.data}: everybody may write in it`,
  );
});

test("a command that wrote leaves the log for the next one, however it ends", () => {
  for (const end of ["", "process.exit(0)", 'process.execve("/bin/true", ["true"], {})']) {
    const paths = pathsIn(scratch());
    const script = `
      import { newId, State } from "${join(import.meta.dirname, "../../../src/state/index.ts")}";
      globalThis.state = new State(${JSON.stringify(paths)});
      state.containers.create({ id: newId(), name: "a", config: { image: "", autoRemove: false, mounts: [] } });
      state.containers.list();
      ${end}`;
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, "-e", script]);
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
    expect(statSync(join(paths.data, "kelp.db-wal")).size).toBeGreaterThan(0);
    expect(openState(paths).containers.list()).toHaveLength(1);
  }
});

test("the log does not grow with the number of commands that wrote", () => {
  const paths = pathsIn(scratch());
  for (let command = 0; command < 200; command++) {
    const state = openState(paths);
    state.containers.create({ id: newId(), config: config() });
    state.close();
  }
  expect(statSync(join(paths.data, "kelp.db-wal")).size).toBeLessThan(2_000_000);
  expect(openState(paths).containers.list()).toHaveLength(200);
});
