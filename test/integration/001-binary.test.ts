/** The executable itself: what it may read beside its arguments, and that it needs nothing around it. */
import { beforeAll, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KELP, requires, run, useSandbox } from "../support/index.ts";

const box = useSandbox("001-binary");
const hostile = join(box.directory, "hostile");
const trap = join(box.directory, "trap-fired");

beforeAll(() => {
  const spring = `require("node:fs").writeFileSync(${JSON.stringify(trap)}, "x");\n`;
  mkdirSync(join(hostile, "node_modules", "clipanion"), { recursive: true });
  const files = {
    ".env": "KELP_DEBUG=1\nXDG_DATA_HOME=/proc/trap\nXDG_RUNTIME_DIR=/proc/trap\n",
    ".env.local": "HOME=/proc/trap\n",
    "bunfig.toml": 'preload = ["./trap.js"]\n[run]\nbun = true\n',
    "trap.js": spring,
    "package.json": '{"name": "trap", "type": "module", "imports": {"#*": "./trap.js"}}',
    "tsconfig.json": '{"compilerOptions": {"paths": {"*": ["./trap.js"]}}}',
    "node_modules/clipanion/index.js": spring,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(hostile, name), text);
});

test("files for Bun in the working directory change nothing", async () => {
  const here = await box.kelp(["version"]);
  const there = await box.kelp(["version"], { cwd: hostile });
  expect(there).toEqual(here);
  expect(there.code).toBe(0);
  expect(existsSync(trap)).toBe(false);
});

requires("strace").test("no file of the working directory is opened", async () => {
  const trace = join(box.directory, "trace");
  const traced = ["-f", "-qq", "-e", "trace=open,openat,openat2,execve", "-o", trace, KELP, "version"];
  await run("strace", traced, { cwd: hostile, env: box.env });
  const named = readFileSync(trace, "utf8").match(
    /"[^"]*(\.env[^"]*|bunfig\.toml|package\.json|tsconfig\.json|trap\.js)"/g,
  );
  expect(named ?? []).toEqual([]);
});

test("a copy of the executable works alone, under another name", async () => {
  const copy = join(box.directory, "k");
  copyFileSync(KELP, copy);
  const own = await box.kelp(["version"]);
  expect(await run(copy, ["version"], { cwd: "/", env: box.env })).toEqual(own);
});

test("the version names the package's version", async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
  expect(await box.ok(["--version"])).toContain(version);
});

test("the native library comes from the user's cache, never from a temporary directory", async () => {
  const temporary = join(box.directory, "tmp");
  mkdirSync(temporary, { recursive: true });
  // Loading the image for the first time takes the library.
  const { code } = await box.kelp(["run", "--rm", "hello"], { env: { ...box.env, TMPDIR: temporary } });
  expect(code).toBe(0);
  expect(readdirSync(join(box.directory, "cache", "kelp")).join(" ")).toContain("koffi.node-");
  expect(readdirSync(temporary)).toEqual([]);
});
