/** The order of the layers (ARCHITECTURE.md): who may import whom, and who may touch the process. */
import { expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { findings, read, sourceFiles, withoutComments } from "./sources.ts";

const FLOOR = ["base", "host", "oci", "config", "state"];
const NOUNS = ["registry", "storage", "network", "volume", "secret", "systemd", "runtime"];

/** An edge that is not listed here is an error. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  host: ["base"],
  oci: ["base"],
  config: ["base", "host", "oci"],
  state: ["base", "host", "oci", "config"],
  ...Object.fromEntries(NOUNS.map((noun) => [noun, FLOOR])),
  image: [...FLOOR, "registry", "storage", "runtime"],
  container: [...FLOOR, ...NOUNS, "image"],
  build: [...FLOOR, ...NOUNS, "image", "container"],
  system: [...FLOOR, ...NOUNS, "image", "container"],
  cli: [...FLOOR, ...NOUNS, "image", "container", "build", "system"],
};

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.{1,2}\/[^"']+)["']/g;

/** `src/FOLDER/…` gives FOLDER; `src/main.ts` gives the empty string. */
function folderOf(path: string): string {
  return path.split("/").slice(1, -1)[0] ?? "";
}

function wrongImports(path: string): string[] {
  const from = folderOf(path);
  return [...withoutComments(read(path)).matchAll(IMPORT)].flatMap(([, target = ""]) => {
    const resolved = join(dirname(path), target);
    const to = folderOf(resolved);
    if (!resolved.startsWith("src/"))
      return resolved === "package.json" ? [] : [`${path} leaves src: ${target}`];
    if (from === to || (from === "" && to === "cli")) return [];
    if (from !== "" && !MAY_IMPORT[from]?.includes(to)) return [`${path} (${from}) must not know ${to}`];
    return resolved === `src/${to}/index.ts` ? [] : [`${path} reaches past ${to}/index.ts: ${target}`];
  });
}

const sources = sourceFiles(/^src\/.*\.ts$/);
const outside = (...allowed: string[]) =>
  sources.filter((path) => path !== "src/main.ts" && !allowed.some((prefix) => path.startsWith(prefix)));

/** Files where `process` is something else: the process of an OCI spec. */
const hasOwnProcess = (path: string) => /\b(const|let) (\{ )?process\b|[(,]\s*process[:,]/.test(read(path));

test("every folder of src is in the table of layers", () => {
  const unknown = new Set(sources.map(folderOf).filter((folder) => folder !== "" && !MAY_IMPORT[folder]));
  expect([...unknown]).toEqual([]);
});

test("imports go downwards, and through index.ts", () => {
  expect(sources.flatMap(wrongImports)).toEqual([]);
});

test("an index.ts only re-exports, and begins with what its folder owns", () => {
  const wrong = sources
    .filter((path) => /^src\/\w+\/index\.ts$/.test(path))
    .flatMap((path) => {
      const statements = withoutComments(read(path))
        .split(";")
        .map((statement) => statement.trim())
        .filter((statement) => statement !== "");
      const other = statements.filter((statement) => !/^export\s[\s\S]*\sfrom\s*"[^"]+"$/.test(statement));
      const opening = /^(\/\*|\/\/)/.test(read(path)) ? [] : [`${path}: no opening comment`];
      return [...opening, ...other.map((statement) => `${path}: ${statement.slice(0, 60)}`)];
    });
  expect(wrong).toEqual([]);
});

test("only cli writes to the terminal and ends the process", () => {
  const writes = /\bconsole\.\w|\bprocess\.(stdout|stderr|exitCode|exit\b)|\bBun\.(stdout|stderr)\b/;
  expect(findings(outside("src/cli/"), writes)).toEqual([]);
});

test("only cli reads the arguments", () => {
  expect(findings(outside("src/cli/"), /\bprocess\.argv\b|\bBun\.argv\b/)).toEqual([]);
});

test("only config and host/paths.ts read the environment", () => {
  const files = outside("src/config/", "src/host/paths.ts").filter((path) => !hasOwnProcess(path));
  expect(findings(files, /\bprocess\.env\b|\bBun\.env\b/)).toEqual([]);
});

test("only host/libc.ts and the koffi it loads know the foreign function interface", () => {
  expect(
    findings(outside("src/host/libc.ts", "src/host/koffi.ts"), /["'](koffi|@koromix\/[^"']*|bun:ffi)["']/),
  ).toEqual([]);
});
