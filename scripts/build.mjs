/**
 * Builds dist/kelp, one executable with holdfast and the image `hello` inside.
 *
 *   node scripts/build.mjs [--progress] [--arch arm64|x64]
 *
 * --progress: one line instead of the tools' output. --arch: for the other machine, into dist/ARCH; it needs
 * a cross compiler (Debian: gcc-aarch64-linux-gnu or gcc-x86-64-linux-gnu) and fetches that machine's npm packages.
 *
 * Start time was measured (clipanion and one command, two cores, mean of 60 runs by turns):
 * an empty program 3.0 ms; without bytecode 18.2 ms; with it 8.9 ms as CommonJS and 8.3 ms as
 * ES modules. --splitting makes every command its own chunk: with 40 commands of 60 functions each
 * the start took 6.9 ms without it and 4.8 ms with it, as with one command alone. Embedding 160 kB of
 * assets costs nothing until they are read (0.15 ms). A compiler that is 20 times as reluctant saves `ps` 1.3 to 1.8 ms and
 * `run` 2.4 to 5.8 (a busy machine, paired, medians of 100 to 150) and 9 ms of processor time: it compiled, on other threads, what
 * was over by then (src/main.ts turns it back). On top of that --bytecode-order brought nothing.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { copyWithDirectImports } from "./lib/direct-imports.mjs";
import { groupCommands } from "./lib/group-commands.mjs";
import { dependenciesPresent, findBun, git, ROOT } from "./lib/toolchain.mjs";

const { progress: quiet, arch } = parseArgs({
  options: { progress: { type: "boolean", default: false }, arch: { type: "string", default: process.arch } },
}).values;
const IS_NATIVE = arch === process.arch;
/** The same machine in the words of compilers and of Bun's packages. */
const MACHINE = { arm64: "aarch64", x64: "x86_64" }[arch];
const DIST = IS_NATIVE ? join(ROOT, "dist") : join(ROOT, "dist", arch);
const NATIVE_BUILD = IS_NATIVE ? "build" : `build-${arch}`;
const PACKAGES = join(IS_NATIVE ? ROOT : DIST, "node_modules");
const LOG = join(DIST, "build.log");

const NPM_FLAGS = ["--no-audit", "--no-fund", "--loglevel=error"];

class BuildError extends Error {}

function say(text) {
  if (!quiet) console.error(text);
  else if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== "") console.error(text);
}

function step(what, number) {
  say(quiet ? `kelp: building for first use: ${what} (${number}/3) …` : `== ${what}`);
}

function run(what, command, args, cwd = ROOT) {
  const result = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    stdio: quiet ? ["ignore", "pipe", "pipe"] : "inherit",
    maxBuffer: 1 << 26,
  });
  const output = `${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}`;
  if (quiet) writeFileSync(LOG, `$ ${command} ${args.join(" ")}\n${output}`, { flag: "a" });
  if (result.status === 0) return;
  const tail = quiet
    ? `\n${output.trim().split("\n").slice(-20).join("\n")}\n(the whole output: ${LOG})`
    : "";
  throw new BuildError(`cannot build kelp: ${what} failed${tail}`);
}

/** What the executable says about itself; equal sources give equal text. */
function buildInfo() {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const changed = git("status", "--porcelain", "--untracked-files=no");
  const commit = git("rev-parse", "--short=12", "HEAD");
  const time = process.env.SOURCE_DATE_EPOCH ?? git("log", "-1", "--format=%ct") ?? "0";
  const hash = (name) => [
    name,
    createHash("sha256")
      .update(readFileSync(join(DIST, "assets", name)))
      .digest("hex"),
  ];
  return {
    version,
    commit: commit === undefined ? "unknown" : `${commit}${changed ? "-dirty" : ""}`,
    time: Number(time),
    assets: Object.fromEntries(readdirSync(join(DIST, "assets")).sort().map(hash)),
  };
}

function native() {
  if (existsSync(join(ROOT, "scripts", "gen-plan-ops.ts"))) {
    run("the plan's header", findBun(), ["scripts/gen-plan-ops.ts"]);
  }
  const compiler = IS_NATIVE ? [] : [`CC=${MACHINE}-linux-gnu-gcc`];
  run("holdfast", "make", [
    "-C",
    "native",
    `BUILD=${NATIVE_BUILD}`,
    ...compiler,
    `-j${availableParallelism()}`,
  ]);
  run("the program hello", "make", ["-C", "native/hello", `BUILD=../${NATIVE_BUILD}`, ...compiler]);
  const assets = join(DIST, "assets");
  rmSync(assets, { recursive: true, force: true });
  mkdirSync(assets, { recursive: true });
  copyFileSync(join(ROOT, "native", NATIVE_BUILD, "holdfast"), join(assets, "holdfast"));
  copyFileSync(
    join(PACKAGES, `@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`),
    join(assets, "koffi.node"),
  );
  run("the image hello", findBun(), [
    "scripts/hello-image.ts",
    `native/${NATIVE_BUILD}/hello`,
    join(assets, "hello.tar"),
    arch,
  ]);
}

/**
 * What Bun would read from the working directory (.env, bunfig.toml with its preload, tsconfig.json,
 * package.json) is turned off: `kelp build .` in a stranger's checkout must not run its code.
 */
function bundle() {
  // Named kelp, and with paths from here on, because names end up inside: equal sources give equal bytes.
  const temporary = join(DIST, `.bundle-${process.pid}`);
  const args = [
    "build",
    "--compile",
    "--minify",
    "--keep-names",
    "--bytecode",
    "--format=esm",
    "--splitting",
    "--compile-jit-policy=20",
  ];
  for (const file of ["dotenv", "bunfig", "tsconfig", "package-json"]) {
    args.push(`--no-compile-autoload-${file}`);
  }
  if (!IS_NATIVE) {
    const package_ = `@oven/bun-linux-${arch === "x64" ? arch : MACHINE}`;
    args.push(
      `--target=bun-linux-${arch}`,
      `--compile-executable-path=${join(PACKAGES, package_, "bin", "bun")}`,
    );
  }
  args.push("--define", `KELP_BUILD=${JSON.stringify(buildInfo())}`);
  args.push("--asset", "../assets", "--outfile", "kelp", "src/main.ts");
  try {
    mkdirSync(temporary);
    copySources(join(temporary, "src"));
    run("the bundle", findBun(), args, temporary);
    renameSync(join(temporary, "kelp"), join(DIST, "kelp"));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function copySources(target) {
  try {
    copyWithDirectImports(join(ROOT, "src"), target);
    groupCommands(target);
  } catch (error) {
    throw new BuildError(`cannot build kelp: ${error.message}`);
  }
}

/** The other machine's Bun and koffi, as the lock file has them. */
function foreignPackages() {
  for (const file of ["package.json", "package-lock.json"]) copyFileSync(join(ROOT, file), join(DIST, file));
  const machine = ["--os=linux", "--libc=glibc", `--cpu=${arch}`, "--ignore-scripts"];
  run("npm ci", "npm", ["ci", ...machine, ...NPM_FLAGS], DIST);
}

function build() {
  if (MACHINE === undefined) throw new BuildError(`cannot build kelp: there is no kelp for ${arch}`);
  mkdirSync(DIST, { recursive: true });
  rmSync(LOG, { force: true });
  if (!dependenciesPresent()) {
    step("npm packages", 1);
    run("npm ci", "npm", ["ci", ...NPM_FLAGS]);
  }
  if (!IS_NATIVE) foreignPackages();
  step("holdfast", 2);
  native();
  step("the executable", 3);
  bundle();
  say(quiet ? "" : `built ${relative(ROOT, join(DIST, "kelp"))}`);
}

try {
  build();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  say("");
  console.error(`Error: ${error.message}`);
  process.exitCode = 1;
}
