import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Directory } from "../../../../src/storage/tree/directory.ts";
import { type Resolved, RootTree } from "../../../../src/storage/tree/root.ts";

let top: string;
let tree: RootTree;

beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), "kelp-root-"));
  for (const path of ["root/a/b", "root/etc", "volume/in", "outside"])
    mkdirSync(join(top, path), { recursive: true });
  for (const path of ["root/a/file", "root/etc/secret", "outside/secret", "volume/in/f"])
    writeFileSync(join(top, path), path);
  const links: Record<string, string> = {
    absolute: "/etc",
    up: "../../../../../..",
    "a/relative": "b/../file",
    host: join(top, "outside"),
    loop: "loop",
    dangling: "/a/none",
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(top, "root", name));
  const mount = { source: join(top, "volume"), isFile: false, readOnly: true };
  tree = new RootTree(Directory.open(join(top, "root")), [{ ...mount, destination: "/a/vol/deep" }]);
});

afterAll(() => {
  tree.close();
  rmSync(top, { recursive: true, force: true });
});

const shown = (found: Resolved) => `${found.kind} ${found.path}`;
const content = (found: Resolved) =>
  found.kind === "object" ? readFileSync(found.dir.path(found.name), "utf8") : found.kind;

test("links and .. lead to places beneath the root", () => {
  expect(shown(tree.resolve("/absolute/secret"))).toBe("object /etc/secret");
  expect(shown(tree.resolve("/up/etc/secret"))).toBe("object /etc/secret");
  expect(shown(tree.resolve("../../../etc"))).toBe("directory /etc");
  expect(content(tree.resolve("a/relative"))).toBe("root/a/file");
});

test("a link to a place of the host leads nowhere", () => {
  expect(() => tree.resolve("/host/secret")).toThrow("ENOENT");
  expect(() => tree.resolve("/loop")).toThrow("ELOOP");
});

test("only the last component may be missing, and a dangling link says where it would be", () => {
  expect(shown(tree.resolve("/a/new"))).toBe("missing /a/new");
  expect(shown(tree.resolve("/dangling"))).toBe("missing /a/none");
  expect(() => tree.resolve("/a/new/deeper")).toThrow("ENOENT");
  expect(() => tree.resolve("/a/file/")).toThrow("ENOTDIR");
});

test("a volume stands where it is mounted, in a directory that is missing too, and has a way back", () => {
  expect(content(tree.resolve("/a/vol/deep/in/f"))).toBe("volume/in/f");
  expect(shown(tree.resolve("/a/vol/deep/in/../../../file"))).toBe("object /a/file");
  expect([tree.isReadOnly("/a/vol/deep/x"), tree.isReadOnly("/a/vol")]).toEqual([true, false]);
  expect([tree.isMounted("/a"), tree.isMounted("/etc")]).toEqual([true, false]);
});
