import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ensureDir,
  errnoText,
  readIfExists,
  readNote,
  writeFileAtomic,
  writeNote,
} from "../../../src/host/index.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-unit-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a shorter text leaves nothing of a longer one", () => {
  const path = join(root, "f");
  writeFileAtomic(path, "long content");
  writeFileAtomic(path, "short", { sync: true });
  expect(readFileSync(path, "utf8")).toBe("short");
  expect(readdirSync(root)).toEqual(["f"]);
});

test("files are private unless a mode is given, which the umask does not change", () => {
  const before = process.umask(0o077);
  try {
    writeFileAtomic(join(root, "private"), "x");
    writeFileAtomic(join(root, "public"), new Uint8Array([1, 2]), { mode: 0o755 });
  } finally {
    process.umask(before);
  }
  expect(statSync(join(root, "private")).mode & 0o777).toBe(0o600);
  expect(statSync(join(root, "public")).mode & 0o777).toBe(0o755);
});

test("a symbolic link in the way is replaced, not followed", () => {
  writeFileSync(join(root, "target"), "keep");
  symlinkSync(join(root, "target"), join(root, "link"));
  writeFileAtomic(join(root, "link"), "new");
  expect(readFileSync(join(root, "target"), "utf8")).toBe("keep");
  expect(readFileSync(join(root, "link"), "utf8")).toBe("new");
});

test("a failed write names the file and leaves nothing", () => {
  expect(() => writeFileAtomic(join(root, "no", "f"), "x")).toThrow(
    `cannot write ${join(root, "no", "f")}: no such file or directory`,
  );
  mkdirSync(join(root, "dir", "full"), { recursive: true });
  expect(() => writeFileAtomic(join(root, "dir"), "x")).toThrow("cannot write");
  expect(readdirSync(root)).toEqual(["dir"]);
});

test("ensureDir() makes all parents private", () => {
  const path = join(root, "a", "b", "c");
  ensureDir(path);
  ensureDir(path);
  for (const made of ["a", "a/b", "a/b/c"]) expect(statSync(join(root, made)).mode & 0o777).toBe(0o700);
});

test("ensureDir() refuses what is no directory, or is everybody's", () => {
  writeFileSync(join(root, "file"), "");
  expect(() => ensureDir(join(root, "file"))).toThrow("it is not a directory");
  expect(() => ensureDir(join(root, "file", "sub"))).toThrow(
    `cannot create directory ${join(root, "file", "sub")}: not a directory`,
  );
  mkdirSync(join(root, "open"));
  chmodSync(join(root, "open"), 0o777);
  symlinkSync(join(root, "open"), join(root, "link"));
  for (const name of ["open", "link"]) {
    expect(() => ensureDir(join(root, name))).toThrow("everybody may write in it");
  }
});

test("ensureDir() follows the user's own link to another disk", () => {
  mkdirSync(join(root, "disk"), { mode: 0o700 });
  symlinkSync(join(root, "disk"), join(root, "link"));
  expect(() => ensureDir(join(root, "link"))).not.toThrow();
});

test.skipIf(process.getuid?.() === 0)(
  "ensureDir() says where it may not write, and refuses foreign directories",
  () => {
    mkdirSync(join(root, "ro"), { mode: 0o500 });
    expect(() => ensureDir(join(root, "ro", "x", "y"))).toThrow(
      `cannot create directory ${join(root, "ro", "x", "y")}: permission denied`,
    );
    expect(() => ensureDir("/usr")).toThrow("cannot use directory /usr: it belongs to uid 0");
  },
);

test("readIfExists() tells missing from unreadable", () => {
  writeFileSync(join(root, "f"), "x");
  expect(readIfExists(join(root, "f"))).toBe("x");
  expect(readIfExists(join(root, "g"))).toBeUndefined();
  expect(readIfExists(join(root, "f", "g"))).toBeUndefined();
  expect(() => readIfExists(root)).toThrow("EISDIR");
  expect(existsSync(join(root, "g"))).toBe(false);
});

test("errno names have the C library's words", () => {
  expect(errnoText("ENOSPC")).toBe("no space left on device");
  expect(errnoText("EWHAT")).toBeUndefined();
});

test("a note is read as it was last written, leaves no other file, and takes no room", () => {
  const path = join(root, "note");
  expect(readNote(path)).toBeUndefined();
  writeNote(path, "stop");
  writeNote(path, "kill");
  expect(readNote(path)).toBe("kill");
  expect(readdirSync(root)).toEqual(["note"]);
  expect(lstatSync(path).blocks).toBe(0);
});

test("a file where a note could be is none", () => {
  writeFileSync(join(root, "file"), "stop");
  expect(readNote(join(root, "file"))).toBeUndefined();
});
