/** What must hold when nobody is at work, whatever happened before; looked at from outside. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BUSYBOX, busyboxArchive, leaksOf, type Sandbox } from "../../../support/index.ts";

/** Beside others a machine may be slow. */
const LONG = { timeout: 180_000 };

const LISTS = [
  ["ps", "-a"],
  ["ps", "-a", "--size"],
  ["images", "-a"],
  ["volume", "ls"],
  ["network", "ls"],
  ["secret", "ls"],
  ["system", "df"],
];

/** What is wrong with the store as its commands show it. @param calm nobody was killed, so there is nothing to repair */
export async function storeProblems(box: Sandbox, data: string, calm: boolean): Promise<string[]> {
  const problems: string[] = [];
  const expectQuiet = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await box.kelp(args, LONG);
    if (code !== 0 || stderr !== "")
      problems.push(`${args.join(" ")}: ${code} ${stderr}${stdout.slice(0, 300)}`);
    return stdout.split("\n").filter((line) => line !== "");
  };
  for (const list of LISTS) await expectQuiet(list);
  const names = await expectQuiet(["ps", "-a", "--format", "{{.Names}}"]);
  if (new Set(names).size !== names.length) problems.push(`names twice: ${names}`);
  for (const name of names) await expectQuiet(["inspect", name]);
  problems.push(...databaseProblems(data), ...(await checkProblems(box, calm)));
  return problems;
}

async function checkProblems(box: Sandbox, calm: boolean): Promise<string[]> {
  const first = await box.kelp(["system", "check"], LONG);
  if (first.code === 0 && first.stdout === "") return [];
  const problems = calm ? [`system check, though nobody was killed: ${first.stdout}${first.stderr}`] : [];
  const repair = await box.kelp(["system", "check", "--repair"], LONG);
  const second = await box.kelp(["system", "check"], LONG);
  if (second.code !== 0 || second.stdout !== "")
    problems.push(`system check: ${JSON.stringify({ first, repair, second })}`);
  return problems;
}

export function databaseProblems(data: string): string[] {
  const path = join(data, "kelp.db");
  if (!existsSync(path)) return [];
  const database = new DatabaseSync(path);
  const lines = database
    .prepare("PRAGMA integrity_check")
    .all()
    .map((row) => String(Object.values(row)[0]));
  const lost = database.prepare("PRAGMA foreign_key_check").all();
  database.close();
  return [...lines.filter((line) => line !== "ok"), ...lost.map((row) => JSON.stringify(row))];
}

/** Empties the store by its own commands, after one more start, which sweeps; what stays that a fresh one does not have. */
export async function emptyStore(box: Sandbox, data: string): Promise<string[]> {
  const problems: string[] = [];
  for (const args of [
    ["load", "-q", "-i", await busyboxArchive()],
    ["network", "create", "last"],
    ["run", "--rm", "--network", "last", BUSYBOX, "true"],
    ["unpause", "--all"],
    ["rm", "--all", "--force", "--time", "0"],
    ["volume", "prune", "--all", "--force"],
    ["network", "prune", "--force"],
    ["secret", "rm", "--all"],
    ["builder", "prune", "--all", "--force"],
    ["rmi", "--all", "--force"],
    ["system", "prune", "--all", "--force", "--volumes"],
    ["system", "check", "--repair"],
  ]) {
    const { code, stderr } = await box.kelp(args, LONG);
    if (code !== 0) problems.push(`${args.join(" ")}: ${code} ${stderr}`);
  }
  return [...problems, ...(await lasting(() => remains(box, data)))];
}

const KEPT =
  /^(runtime|kelp\.db(-wal|-shm|-reserve)?|store\.lock|events\.log(\.1)?|layers\/empty|build-cache)$/;

function remains(box: Sandbox, data: string): string[] {
  const files = [
    "",
    "containers",
    "layers",
    "volumes",
    "tmp",
    "partial",
    "build-cache",
    "blobs/sha256",
  ].flatMap((part) => entries(join(data, part)).map((name) => join(part, name)));
  const parents = new Set(["containers", "layers", "volumes", "tmp", "partial", "build-cache", "blobs"]);
  const stray = files.filter((name) => !parents.has(name) && name !== "blobs/sha256" && !KEPT.test(name));
  return [...stray, ...rows(data), ...leaksOf([box.directory, box.runtime]), ...groups()];
}

function entries(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}

function rows(data: string): string[] {
  if (!existsSync(join(data, "kelp.db"))) return [];
  const database = new DatabaseSync(join(data, "kelp.db"));
  const tables = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all()
    .map(({ name }) => String(name))
    .filter((name) => name !== "lease_cursors");
  const found = tables.flatMap((name) => {
    const { n } = database.prepare(`SELECT count(*) AS n FROM ${name}`).get() as { n: number };
    return n === 0 ? [] : [`${n} rows of ${name}`];
  });
  database.close();
  return found;
}

/** Control groups of containers beside the tests' own. */
function groups(): string[] {
  const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? "";
  return [own, join(own, "..")]
    .flatMap((path) => entries(join("/sys/fs/cgroup", path)).map((name) => join(path, name)))
    .filter((path) => /\/kelp-[0-9a-f]{64}/.test(path));
}

/** Monitors and keepers end a moment after what they watch. */
async function lasting(look: () => string[]): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    const found = look();
    if (found.length === 0 || attempt === 50) return found;
    await Bun.sleep(100);
  }
}
