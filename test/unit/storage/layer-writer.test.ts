import { expect, test } from "bun:test";
import { LayerWriter, type TarEntry, TarParser } from "../../../src/storage/index.ts";

const PLAIN: TarEntry = {
  name: "a",
  type: "file",
  linkName: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 1,
  devMajor: 0,
  devMinor: 0,
  xattrs: [],
};

function written(entries: readonly TarEntry[], content: Buffer = Buffer.alloc(0)): Buffer {
  const pieces: Buffer[] = [];
  const writer = new LayerWriter((piece) => pieces.push(Buffer.from(piece)));
  for (const entry of entries) {
    writer.entry(entry);
    if (entry.size > 0) writer.data(content);
    writer.endEntry();
  }
  writer.end();
  return Buffer.concat(pieces);
}

function read(archive: Buffer): { entries: TarEntry[]; content: string } {
  const entries: TarEntry[] = [];
  const content: Buffer[] = [];
  const parser = new TarParser({
    entry: (entry) => entries.push(entry),
    data: (chunk) => content.push(Buffer.from(chunk)),
    endEntry: () => {},
  });
  parser.push(archive);
  parser.end();
  return { entries, content: Buffer.concat(content).toString() };
}

test("what is written is read back the same, whatever a plain header cannot say", () => {
  const entries: TarEntry[] = [
    { ...PLAIN, size: 5 },
    { ...PLAIN, name: `${"long/".repeat(60)}name`, mode: 0o4755 },
    { ...PLAIN, name: Buffer.from("ünï").toString("latin1"), uid: 3_000_000, gid: 4_000_000 },
    { ...PLAIN, name: "l", type: "symlink", linkName: "x".repeat(300) },
    { ...PLAIN, name: "h", type: "hardlink", linkName: "a" },
    { ...PLAIN, name: "d/", type: "directory", mode: 0o1777, mtime: -5 },
    { ...PLAIN, name: "p", type: "fifo" },
    { ...PLAIN, name: "x", xattrs: [["user.a", Buffer.from([0, 255, 10])]] },
  ];
  expect(read(written(entries, Buffer.from("hello")))).toEqual({ entries, content: "hello" });
});

test("a name that is no text keeps its bytes", () => {
  const name = "\xff\xfe";
  expect(read(written([{ ...PLAIN, name }])).entries[0]?.name).toBe(name);
});

test("equal entries give equal bytes, in whole blocks", () => {
  const archive = written([PLAIN]);
  expect(archive.equals(written([PLAIN]))).toBe(true);
  expect(archive.length % 512).toBe(0);
});

test("content of another length than was announced is refused", () => {
  const writer = new LayerWriter(() => {});
  writer.entry({ ...PLAIN, size: 1 });
  expect(() => writer.data(Buffer.from("ab"))).toThrow("more content came than was announced");
  const short = new LayerWriter(() => {});
  short.entry({ ...PLAIN, size: 1 });
  expect(() => short.endEntry()).toThrow("less content came than was announced");
});
