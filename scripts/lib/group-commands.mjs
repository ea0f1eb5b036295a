/**
 * Fewer, larger chunks: the commands that people wait for stay alone, the others of a folder share one.
 *
 * A module goes into one chunk with those that the same entry points need, so 60 entry points make many small chunks,
 * and every chunk loaded costs 0.05 ms. With these groups `run` loads 33 instead of 47, `inspect` 28 instead of 33
 * (10.3 ms instead of 12.2); a command of a group pays 1 to 2 ms for its neighbours.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ALONE = new Set([
  "container/exec",
  "container/inspect",
  "container/ps",
  "container/run",
  "image/images",
]);

const LOAD = /\(\) => import\("\.\/([^"]+)\.ts"\)/g;

/** Rewrites cli/commands/index.ts in `sources` and adds a module for each group beside it. */
export function groupCommands(sources) {
  const directory = join(sources, "cli", "commands");
  const path = join(directory, "index.ts");
  const { index, groups } = grouped(readFileSync(path, "utf8"));
  writeFileSync(path, index);
  for (const [group, text] of groups) writeFileSync(join(directory, `group-${group}.ts`), text);
}

/** The text of the index with the groups' modules as what it loads, and the texts of these by their names. */
export function grouped(text) {
  const members = new Map();
  const index = text.replace(LOAD, (all, name) => {
    if (ALONE.has(name)) return all;
    const group = name.includes("/") ? name.split("/")[0] : "other";
    const list = members.get(group) ?? [];
    if (!list.includes(name)) list.push(name);
    members.set(group, list);
    return `() => import("./group-${group}.ts").then((all) => ({ default: all.c${list.indexOf(name)} }))`;
  });
  const line = (name, number) => `export { default as c${number} } from "./${name}.ts";\n`;
  return { index, groups: [...members].map(([group, list]) => [group, list.map(line).join("")]) };
}
