/**
 * Sources for the bundler in which nothing is imported by way of an index.ts.
 *
 * People import a folder through its index.ts. A bundler that splits takes all that such a file leads to for one piece:
 * `ps` loaded the code of `run`, of the builds and of every archive format, 300 kB instead of 74 (20 ms instead of 17).
 * An index.ts only re-exports (test/checks holds it to that), so every import through one can be written as imports
 * from the files themselves.
 */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** Copies the tree `source` to `target` (which must not exist) with direct imports. */
export function copyWithDirectImports(source, target) {
  cpSync(source, target, { recursive: true });
  const indexes = readIndexes(source);
  for (const file of readdirSync(target, { recursive: true })) {
    if (!file.endsWith(".ts")) continue;
    const path = join(target, file);
    const text = readFileSync(path, "utf8");
    const direct = directImports(text, file, indexes);
    if (direct !== text) writeFileSync(path, direct);
  }
}

/** By folder: what its index.ts exports, as the name there and the file, relative to `source`. */
export function readIndexes(source) {
  const indexes = new Map();
  for (const folder of readdirSync(source)) {
    const path = join(source, folder, "index.ts");
    if (existsSync(path)) indexes.set(folder, parseIndex(readFileSync(path, "utf8"), folder));
  }
  return indexes;
}

/** Values only: types are gone when the bundler chooses. */
function parseIndex(text, folder) {
  const exported = new Map();
  for (const [, list, from] of text.matchAll(/^export \{([^}]*)\} from "([^"]+)"/gm)) {
    for (const [name, alias] of names(list)) exported.set(alias, { name, file: join(folder, from) });
  }
  return exported;
}

/** `a, type B, c as d` gives [a, a], [c, d]; the patterns of a destructured import() have a colon instead of `as`. */
function names(list) {
  return list
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "" && !word.startsWith("type "))
    .map((word) => {
      const [name, alias = name] = word.split(/\s+as\s+|:\s*/);
      return [name, alias];
    });
}

const STATIC = /^import \{([^}]*)\} from "([^"]+\/index\.ts)";/gm;
const DESTRUCTURED = /const \{([^}]*)\} = await import\("([^"]+\/index\.ts)"\)/g;
const MEMBER = /\(await import\("([^"]+\/index\.ts)"\)\)\.(\w+)/g;

/** The text of `file` (relative to the sources) with its imports through an index.ts replaced. */
export function directImports(text, file, indexes) {
  const origins = (list, target) => byFile(list, join(dirname(file), target), file, indexes);
  const specifier = (path) => relative(dirname(file), path).replace(/^(?!\.)/, "./");
  return text
    .replace(STATIC, (all, list, target) =>
      rewrite(
        all,
        origins(list, target),
        ([path, pairs]) => {
          const words = pairs.map(([name, alias]) => (name === alias ? name : `${name} as ${alias}`));
          return `import { ${words.join(", ")} } from "${specifier(path)}";`;
        },
        " ",
      ),
    )
    .replace(DESTRUCTURED, (all, list, target) =>
      rewrite(
        all,
        origins(list, target),
        ([path, pairs]) => {
          const words = pairs.map(([name, alias]) => (name === alias ? name : `${name}: ${alias}`));
          return `const { ${words.join(", ")} } = await import("${specifier(path)}")`;
        },
        "; ",
      ),
    )
    .replace(MEMBER, (all, target, member) =>
      rewrite(
        all,
        origins(member, target),
        ([path, [[name]]]) => `(await import("${specifier(path)}")).${name}`,
        "",
      ),
    );
}

function rewrite(all, files, write, separator) {
  return files === undefined ? all : files.map(write).join(separator);
}

/** Groups names by the file they come from; undefined where `index` is no folder's index. */
function byFile(list, index, file, indexes) {
  const exported = indexes.get(dirname(index));
  if (exported === undefined) return undefined;
  const groups = new Map();
  for (const [name, alias] of names(list)) {
    const origin = exported.get(name);
    if (origin === undefined)
      throw new Error(`${file} imports ${name}, which ${index} does not export by name`);
    groups.set(origin.file, [...(groups.get(origin.file) ?? []), [origin.name, alias]]);
  }
  return [...groups];
}
