/**
 * What was installed together is removed together: an application. `.NAME.app` beside its files lists them, one a line,
 * as podman writes it.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readIfExists, writeFileAtomic } from "../../host/index.ts";

export interface QuadletApp {
  /** `.NAME.app`. */
  readonly name: string;
  /** Names of its files, quadlets and others. */
  readonly files: readonly string[];
}

export function readApps(directory: string): QuadletApp[] {
  return listNames(directory)
    .filter((name) => /^\..+\.app$/.test(name))
    .map((name) => ({ name, files: lines(readFileSync(join(directory, name), "utf8")) }));
}

/** Adds files to an application, each once. */
export function writeApp(directory: string, name: string, files: readonly string[]): void {
  const path = join(directory, name);
  const all = new Set([...lines(readIfExists(path) ?? ""), ...files]);
  writeFileAtomic(path, Buffer.from([...all].map((file) => `${file}\n`).join("")), { mode: 0o644 });
}

/** Removes its files and, last, the list of them. */
export function removeApp(directory: string, app: QuadletApp): void {
  for (const file of [...app.files, app.name]) rmSync(join(directory, file), { force: true });
}

/** A line that is no plain name was not written by us. */
function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && line !== ".." && !line.includes("/"));
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
