import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadLibc } from "../../../src/host/index.ts";

const libc = loadLibc();
let root: string;
let file: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-unit-"));
  file = join(root, "file");
  writeFileSync(file, "content");
});
afterEach(() => rmSync(root, { recursive: true }));

test("a lock keeps others out until its descriptor is closed", () => {
  const one = openSync(file, "r");
  const two = openSync(file, "r");
  expect(libc.flock(one, "exclusive")).toBe(true);
  expect(libc.flock(two, "shared", true)).toBe(false);
  closeSync(one);
  expect(libc.flock(two, "shared", true)).toBe(true);
  closeSync(two);
});

test("failures carry code, call and path", () => {
  try {
    libc.chroot(join(root, "missing"));
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOENT", syscall: "chroot", path: join(root, "missing") });
  }
  expect(() => libc.flock(-1, "shared")).toThrow("EBADF: flock");
  expect(() => libc.lchown("a\0b", 0, 0)).toThrow("NUL byte");
});

test("extended attributes of any size are written, read, listed and removed", () => {
  const large = Buffer.alloc(2000, 7);
  libc.lsetxattr(file, "user.large", large);
  libc.lsetxattr(file, "user.empty", Buffer.alloc(0));
  expect(libc.lgetxattr(file, "user.large")).toEqual(large);
  expect(libc.lgetxattr(file, "user.empty")).toEqual(Buffer.alloc(0));
  expect(libc.lgetxattr(file, "user.none")).toBeUndefined();
  expect(libc.llistxattr(file).sort()).toEqual(["user.empty", "user.large"]);
  libc.lremovexattr(file, "user.large");
  expect(libc.llistxattr(file)).toEqual(["user.empty"]);
});

test("attributes of a link are not those of its target", () => {
  libc.lsetxattr(file, "user.a", Buffer.from("x"));
  symlinkSync(file, join(root, "link"));
  expect(libc.lgetxattr(join(root, "link"), "user.a")).toBeUndefined();
});

test("names that are not UTF-8 can be used", () => {
  const name = Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff, 0xfe)]);
  libc.mknod(name, 0o10600, 0, 0);
  expect(statSync(name).isFIFO()).toBe(true);
});

test("a rename exchanges two files, or refuses to replace one", () => {
  const other = join(root, "other");
  writeFileSync(other, "other");
  expect(() => libc.rename(file, other, "noreplace")).toThrow("EEXIST");
  libc.rename(file, other, "exchange");
  expect([readFileSync(file, "utf8"), readFileSync(other, "utf8")]).toEqual(["other", "content"]);
});

test("the umask is set and told", () => {
  const before = libc.umask(0o027);
  expect(libc.umask(before)).toBe(0o027);
});

test("a filesystem can be synced; blocks are shared or the refusal has a code", () => {
  const from = openSync(file, "r");
  const to = openSync(join(root, "copy"), "w");
  libc.syncfs(from);
  try {
    libc.reflink(to, from);
    expect(readFileSync(join(root, "copy"), "utf8")).toBe("content");
  } catch (error) {
    expect(["ENOTSUP", "EOPNOTSUPP", "EINVAL", "EXDEV", "ENOTTY"]).toContain(
      (error as { code: string }).code,
    );
  }
  closeSync(from);
  closeSync(to);
});

test.skipIf(process.getuid?.() !== 0)("root makes devices with large minor numbers", () => {
  libc.mknod(join(root, "device"), 0o20600, 5, 300);
  expect(statSync(join(root, "device")).rdev).toBe((5 << 8) | (300 & 0xff) | ((300 & ~0xff) << 12));
});
