/**
 * Makes dist/npm/kelp-VERSION.tgz, for `npm install --global`: the executable, man pages, completions.
 *
 *   node scripts/pack.mjs [DIRECTORY] [--arch arm64|x64]     --arch: what `build.mjs --arch` made
 *
 * It has a package.json of its own, because everything kelp depends on is inside the executable.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "./lib/toolchain.mjs";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { arch: { type: "string", default: process.arch } },
});
const built = values.arch === process.arch ? join(ROOT, "dist") : join(ROOT, "dist", values.arch);
const target = join(positionals[0] ?? built, "npm");
const { name, version, description, license } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

rmSync(target, { recursive: true, force: true });
mkdirSync(join(target, "bin"), { recursive: true });
cpSync(join(built, "kelp"), join(target, "bin", "kelp"));
for (const part of ["man", "completions", "LICENSE", "README.md"])
  cpSync(join(ROOT, part), join(target, part), { recursive: true });
const man = readdirSync(join(target, "man")).map((page) => `man/${page}`);
const manifest = {
  name,
  version,
  description,
  license,
  os: ["linux"],
  cpu: [values.arch],
  bin: { kelp: "bin/kelp" },
  man,
};
writeFileSync(join(target, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
const { status } = spawnSync("npm", ["pack", "--silent", "--pack-destination", target], {
  cwd: target,
  stdio: ["ignore", "inherit", "inherit"],
});
process.exitCode = status ?? 1;
