/** Where quadlet files are, and which drop-ins belong to them. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, errnoCode, type KelpError } from "../../base/index.ts";
import { errnoText } from "../../host/index.ts";
import { mergeUnitFiles, parseUnitFile } from "../unit-file.ts";
import { nameParts, quadletType, REFUSED_TYPES } from "./names.ts";
import type { Quadlet } from "./source.ts";

/** What the search begins with. */
export interface QuadletPlaces {
  /** QUADLET_UNIT_DIRS: these and no others. */
  readonly only?: string | undefined;
  /** XDG_CONFIG_HOME and XDG_RUNTIME_DIR. */
  readonly config: string;
  readonly runtime: string | undefined;
  readonly uid: number;
}

/** The directories whose files are a user's quadlets; what comes first counts. */
export function quadletDirectories({ only, config, runtime, uid }: QuadletPlaces): string[] {
  if (only) return only.split(":").filter((path) => path.startsWith("/"));
  return [
    ...(runtime === undefined ? [] : [join(runtime, "containers/systemd")]),
    join(config, "containers/systemd"),
    ...["/etc/containers/systemd/users", "/usr/share/containers/systemd/users"].flatMap((path) => [
      join(path, String(uid)),
      path,
    ]),
  ];
}

export interface FoundQuadlets {
  /** Paths of the files, each name once. */
  readonly files: readonly string[];
  /** All directories that were searched, in their order. */
  readonly directories: readonly string[];
}

const DEEPEST = 16;

/** All files of a type that podman knows, also in subdirectories; links are followed, but not in circles. */
export function findQuadlets(roots: readonly string[]): FoundQuadlets {
  const directories = roots.flatMap((root) => directoriesBeneath(root, new Set(), 0));
  const files = new Map<string, string>();
  for (const directory of directories) {
    for (const name of listDirectory(directory).filter(isQuadletName))
      files.set(name, files.get(name) ?? join(directory, name));
  }
  return { files: [...files.values()], directories };
}

/** Drop-ins are no place for quadlets, and other users' directories are searched by those users. */
function directoriesBeneath(directory: string, seen: Set<string>, depth: number): string[] {
  const found = statSync(directory, { throwIfNoEntry: false });
  const key = `${found?.dev}:${found?.ino}`;
  if (!found?.isDirectory() || seen.has(key) || depth > DEEPEST) return [];
  seen.add(key);
  const isOther = (name: string) => directory.endsWith("/systemd/users") && /^\d+$/.test(name);
  const inner = listDirectory(directory).filter(
    (name) => !/^\.|\.d$/.test(name) && !isQuadletName(name) && !isOther(name),
  );
  return [directory, ...inner.flatMap((name) => directoriesBeneath(join(directory, name), seen, depth + 1))];
}

function isQuadletName(name: string): boolean {
  const type = name.slice(name.lastIndexOf(".") + 1);
  return (
    quadletType(name) !== undefined || (Object.hasOwn(REFUSED_TYPES, type) && name.length > type.length + 1)
  );
}

/** Reads files with their drop-ins; what cannot be read is a problem of its own and keeps no other from being read. */
export function readQuadlets({ files, directories }: FoundQuadlets): {
  quadlets: Quadlet[];
  problems: KelpError[];
} {
  const quadlets: Quadlet[] = [];
  const problems: KelpError[] = [];
  for (const path of files) {
    try {
      quadlets.push(readQuadlet(path, directories));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(error);
    }
  }
  return { quadlets, problems };
}

function readQuadlet(path: string, directories: readonly string[]): Quadlet {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const type = quadletType(name);
  if (type === undefined) {
    const reason = REFUSED_TYPES[name.slice(name.lastIndexOf(".") + 1)];
    throw new ConfigError("unsupported-quadlet", `cannot use ${path}: ${reason}`);
  }
  const file = mergeUnitFiles(
    readUnit(path),
    dropIns(name, type, directories).map((dropIn) => readUnit(dropIn)),
  );
  return { path, name, type, file };
}

function readUnit(path: string): ReturnType<typeof parseUnitFile> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const reason = errnoText(errnoCode(cause)) ?? "it cannot be read";
    throw new ConfigError("unreadable-unit", `cannot read ${path}: ${reason}`, { cause });
  }
  return parseUnitFile(text, path);
}

/** Names of drop-in directories from the most general to the most particular: a file there replaces those of its name before. */
export function dropInNames(name: string, type: string): string[] {
  const { base, isTemplated, instance } = nameParts(name);
  const dashes = [...base.matchAll(/-/g)].map(({ index }) => `${base.slice(0, index + 1)}.${type}.d`);
  return [
    `${type}.d`,
    ...dashes,
    ...(isTemplated && instance !== "" ? [`${base}@.${type}.d`] : []),
    `${name}.d`,
  ];
}

function dropIns(name: string, type: string, directories: readonly string[]): string[] {
  const found = new Map<string, string>();
  for (const dropIn of dropInNames(name, type)) {
    for (const directory of directories.toReversed()) {
      for (const file of listDirectory(join(directory, dropIn)).filter((word) => word.endsWith(".conf")))
        found.set(file, join(directory, dropIn, file));
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

function listDirectory(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}
