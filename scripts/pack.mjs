/**
 * Makes dist/npm/kelp-VERSION.tgz, for `npm install --global`: the executable, man pages, completions.
 * It has a package.json of its own, because everything kelp depends on is inside the executable.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./lib/toolchain.mjs";

const target = join(process.argv[2] ?? join(ROOT, "dist"), "npm");
const { name, version, description, license } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

rmSync(target, { recursive: true, force: true });
mkdirSync(join(target, "bin"), { recursive: true });
cpSync(join(ROOT, "dist", "kelp"), join(target, "bin", "kelp"));
for (const part of ["man", "completions", "LICENSE", "README.md"])
  cpSync(join(ROOT, part), join(target, part), { recursive: true });
const man = readdirSync(join(target, "man")).map((page) => `man/${page}`);
const manifest = {
  name,
  version,
  description,
  license,
  os: ["linux"],
  cpu: [process.arch],
  bin: { kelp: "bin/kelp" },
  man,
};
writeFileSync(join(target, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
const { status } = spawnSync("npm", ["pack", "--silent", "--pack-destination", target], {
  cwd: target,
  stdio: ["ignore", "inherit", "inherit"],
});
process.exitCode = status ?? 1;
