import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
// @ts-expect-error: plain JavaScript, because it runs before anything is installed
import { copyWithDirectImports, directImports, readIndexes } from "../../../scripts/lib/direct-imports.mjs";

const scratch = mkdtempSync(join(tmpdir(), "kelp-imports-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const source = join(scratch, "src");
function write(name: string, text: string): void {
  mkdirSync(dirname(join(source, name)), { recursive: true });
  writeFileSync(join(source, name), text);
}
write(
  "state/index.ts",
  'export { a, type T } from "./a.ts";\nexport {\n  b,\n  c as d,\n} from "./deep/b.ts";\nexport type * from "./t.ts";\n',
);
write("cli/commands/index.ts", "export const COMMANDS = [];\n");
write("cli/x.ts", 'import { a } from "../state/index.ts";\n');
const indexes = readIndexes(source);
const direct = (text: string, file = "cli/x.ts") => directImports(text, file, indexes);

test("an import through an index.ts becomes one of each file it leads to", () => {
  expect(direct('import { a, type T, b, d } from "../state/index.ts";\n')).toBe(
    'import { a } from "../state/a.ts"; import { b, c as d } from "../state/deep/b.ts";\n',
  );
  expect(direct('import {\n  a,\n} from "../../state/index.ts";', "cli/commands/y.ts")).toBe(
    'import { a } from "../../state/a.ts";',
  );
});

test("so does an import() of some names", () => {
  expect(direct('const { a, d: other } = await import("../state/index.ts");')).toBe(
    'const { a } = await import("../state/a.ts"); const { c: other } = await import("../state/deep/b.ts");',
  );
  expect(direct('return (await import("../state/index.ts")).d();')).toBe(
    'return (await import("../state/deep/b.ts")).c();',
  );
});

test("types, other files and indexes that are no folder's stay as they are", () => {
  for (const text of [
    'import type { T } from "../state/index.ts";',
    'import { z } from "./z.ts";',
    'import { COMMANDS } from "./commands/index.ts";',
  ]) {
    expect(direct(text)).toBe(text);
  }
});

test("a name that the index does not export stops the build", () => {
  expect(() => direct('import { nothing } from "../state/index.ts";')).toThrow(
    "cli/x.ts imports nothing, which state/index.ts does not export by name",
  );
});

test("a tree is copied, and the original stays", () => {
  const target = join(scratch, "target");
  copyWithDirectImports(source, target);
  expect(readFileSync(join(target, "cli/x.ts"), "utf8")).toBe('import { a } from "../state/a.ts";\n');
  expect(readFileSync(join(source, "cli/x.ts"), "utf8")).toContain("index.ts");
});
