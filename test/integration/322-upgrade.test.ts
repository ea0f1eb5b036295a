/**
 * A store that an older kelp made goes on living. test/fixtures/store-v4 is what commit b0e1e76 (schema 4) left after
 * `build`, `tag`, `volume create`, `network create` and two `create`: its database as SQL, its files as base64.
 */
import { expect } from "bun:test";
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ROOT } from "../support/environment.ts";
import { requires, useSandbox } from "../support/index.ts";

const box = useSandbox("322-upgrade");
const { test } = requires("overlay");
const data = join(box.directory, "data", "kelp");
const fixture = join(ROOT, "test", "fixtures", "store-v4");

interface StoreFiles {
  readonly directories: readonly string[];
  /** By path in the store. */
  readonly base64: Readonly<Record<string, string>>;
  /** Seconds since 1970, of files of a layer: its tar says them. */
  readonly modified: Readonly<Record<string, number>>;
}

function putOldStore(): void {
  const files: StoreFiles = JSON.parse(readFileSync(join(fixture, "files.json"), "utf8"));
  mkdirSync(data, { mode: 0o700 });
  for (const directory of files.directories) mkdirSync(join(data, directory), { recursive: true });
  for (const [path, content] of Object.entries(files.base64)) {
    mkdirSync(dirname(join(data, path)), { recursive: true });
    writeFileSync(join(data, path), Buffer.from(content, "base64"));
  }
  for (const [path, seconds] of Object.entries(files.modified))
    utimesSync(join(data, path), seconds, seconds);
  const dump = readFileSync(join(fixture, "kelp.db.sql"), "utf8").replaceAll("@STORE@", data);
  const database = new DatabaseSync(join(data, "kelp.db"), { enableForeignKeyConstraints: false });
  database.exec(dump);
  database.exec("PRAGMA journal_mode = WAL");
  database.close();
}

function schemaOf(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare("PRAGMA user_version").get()?.user_version;
  } finally {
    database.close();
  }
}

test("a store of schema 4 is brought up to date once, with a backup, and everything in it is there", async () => {
  putOldStore();
  expect(schemaOf(join(data, "kelp.db"))).toBe(4);
  const { code, stdout, stderr } = await box.kelp([
    "ps",
    "-a",
    "--format",
    "{{.Names}} {{.Image}} {{.Ports}}",
  ]);
  expect({ code, stderr, lines: stdout.trim().split("\n").sort() }).toEqual({
    code: 0,
    stderr: "",
    lines: ["first localhost/old:1 0.0.0.0:18080->80/tcp", "second localhost/old:1"],
  });
  const backup = join(data, "kelp.db.v4.backup");
  expect(schemaOf(join(data, "kelp.db"))).toBeGreaterThan(4);
  expect({ mode: statSync(backup).mode & 0o777, schema: schemaOf(backup) }).toEqual({
    mode: 0o600,
    schema: 4,
  });

  const images = await box.ok(["images", "--format", "{{.Repository}}:{{.Tag}}"]);
  expect(images.split("\n").sort()).toEqual(["localhost/old:1", "localhost/old:2"]);
  expect(await box.ok(["volume", "ls", "-q"])).toBe("olddata");
  expect(await box.ok(["network", "ls", "-q", "--filter", "driver=bridge"])).toContain("oldnet");
  expect(
    await box.ok(["inspect", "--format", "{{.Config.Labels.a}} {{(index .Mounts 0).Name}}", "first"]),
  ).toBe("b olddata");
});

test("what the old kelp stored is whole: checked, saved with its own digest, copied out", async () => {
  expect(await box.kelp(["system", "check"])).toMatchObject({ code: 0, stderr: "", stdout: "" });
  expect(await box.ok(["cp", "second:/note", "-"])).toContain("kept since schema 4");
  const archive = join(box.directory, "old.tar");
  await box.ok(["save", "--format", "oci-archive", "-o", archive, "old:1"]);
  const id = await box.ok(["image", "inspect", "--format", "{{.Id}}", "old:1"]);
  await box.ok(["rm", "--all"]);
  await box.ok(["rmi", "--all", "--force"]);
  await box.ok(["load", "-q", "-i", archive]);
  expect(await box.ok(["image", "inspect", "--format", "{{.Id}}", "old:1"])).toBe(id);
  expect(await box.kelp(["system", "check"])).toMatchObject({ code: 0, stderr: "", stdout: "" });
});
