/** Finds the tools that npm brought, and brings them where they are missing. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout this script belongs to. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** Whether node_modules holds the exact versions that package.json asks for. */
export function dependenciesPresent() {
  const { dependencies, devDependencies } = readJson(join(ROOT, "package.json"));
  return Object.entries({ ...dependencies, ...devDependencies }).every(([name, version]) => {
    const manifest = join(ROOT, "node_modules", name, "package.json");
    return existsSync(manifest) && readJson(manifest).version === version;
  });
}

/**
 * The bun executable among the dependencies. npm may have skipped bun's install script, which moves
 * the platform's binary to `bun/bin`: then it is still in its platform package, and the small file in
 * its place is a script that only complains.
 */
export function findBun() {
  const arch = process.arch === "arm64" ? "aarch64" : process.arch;
  const candidates = [
    "bun/bin/bun.exe",
    `@oven/bun-linux-${arch}/bin/bun`,
    `@oven/bun-linux-${arch}-musl/bin/bun`,
  ].map((path) => join(ROOT, "node_modules", path));
  const found = candidates.find((path) => existsSync(path) && statSync(path).size > 1_000_000);
  if (found === undefined) throw new Error("cannot find bun in node_modules: run npm ci");
  return found;
}

/** Runs git in the checkout; undefined where it is no git checkout or git is missing. */
export function git(...args) {
  const result = spawnSync("git", ["-c", "safe.directory=*", ...args], { cwd: ROOT, encoding: "utf8" });
  return result.status === 0 ? result.stdout.trim() : undefined;
}
