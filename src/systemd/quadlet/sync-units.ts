/** Brings a user's directory of units in line with the quadlets: only files that are ours are replaced or removed. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ConflictError } from "../../base/index.ts";
import { writeFileAtomic } from "../../host/index.ts";
import type { GeneratedUnit } from "./generate.ts";
import type { UnitLink } from "./install.ts";

/** How the text of every unit of ours begins. */
const MARK = "# Made by kelp quadlet";

/**
 * Writes what is new or has changed, and removes units of ours that no quadlet makes any more, with their links.
 *
 * @throws {ConflictError} for a unit of that name which somebody else has written; then nothing is changed
 */
export function syncUnits(directory: string, units: readonly GeneratedUnit[]): void {
  const wanted = new Map(units.map((unit) => [unit.name, unit]));
  for (const { name } of units) {
    if (existsSync(join(directory, name)) && !isOurs(join(directory, name)))
      throw new ConflictError(
        "unit-exists",
        `refusing to overwrite ${join(directory, name)}: it was not made by kelp quadlet`,
      );
  }
  mkdirSync(directory, { recursive: true });
  const stale = listNames(directory).filter(
    (name) => name.endsWith(".service") && !wanted.has(name) && isOurs(join(directory, name)),
  );
  writeUnits(directory, units);
  writeLinks(
    directory,
    units.flatMap(({ links }) => links),
    new Set([...wanted.keys(), ...stale]),
  );
  for (const name of stale) rmSync(join(directory, name), { force: true });
}

/** The units and their links, in a directory that is a generator's: empty, or made anew. */
export function writeGenerated(directory: string, units: readonly GeneratedUnit[]): void {
  mkdirSync(directory, { recursive: true });
  writeUnits(directory, units);
  for (const link of units.flatMap(({ links }) => links)) writeLink(directory, link);
}

function writeUnits(directory: string, units: readonly GeneratedUnit[]): void {
  for (const { name, text } of units) {
    const path = join(directory, name);
    if (readText(path) !== text) writeFileAtomic(path, Buffer.from(text), { mode: 0o644 });
  }
}

/** Links to units of ours are ours as well. */
function writeLinks(directory: string, links: readonly UnitLink[], ours: ReadonlySet<string>): void {
  const wanted = new Map(links.map((link) => [link.path, link.target]));
  const places = ["", ...listNames(directory).filter((name) => /\.(wants|requires|upholds)$/.test(name))];
  for (const place of places) {
    for (const name of listNames(join(directory, place))) {
      const path = join(place, name);
      const target = linkTarget(join(directory, path));
      const isOwn = target !== undefined && ours.has(target.replace(/^\.\.\//, ""));
      if (isOwn && wanted.get(path) !== target) rmSync(join(directory, path));
    }
  }
  for (const link of links) writeLink(directory, link);
}

function writeLink(directory: string, { path, target }: UnitLink): void {
  const place = join(directory, path);
  if (linkTarget(place) === target) return;
  mkdirSync(dirname(place), { recursive: true });
  if (lstatSync(place, { throwIfNoEntry: false }) === undefined) symlinkSync(target, place);
}

function isOurs(path: string): boolean {
  return readText(path)?.startsWith(MARK) === true;
}

function readText(path: string): string | undefined {
  try {
    return lstatSync(path).isFile() ? readFileSync(path, "utf8") : undefined;
  } catch {
    return undefined;
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
