import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  emulatorRule,
  findEmulators,
  registeredArchitectures,
  runsArchitecture,
} from "../../../src/host/index.ts";

const ARM64 =
  "\\x7f\\x45\\x4c\\x46\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:" +
  "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff";
const S390X =
  "\\x7f\\x45\\x4c\\x46\\x02\\x02\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x16:" +
  "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff";

test("an emulator is registered for the files that QEMU's own list has it for, opened at once, without the rights of the programs", () => {
  const rule = (architecture: string, path: string) => emulatorRule({ architecture, path });
  expect(rule("arm64", "/opt/qemu-aarch64")).toBe(`:qemu-aarch64:M::${ARM64}:/opt/qemu-aarch64:PF`);
  expect(rule("s390x", "/opt/qemu-s390x")).toBe(`:qemu-s390x:M::${S390X}:/opt/qemu-s390x:PF`);
});

function withDirectory(work: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "kelp-unit-"));
  try {
    work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A 64-bit executable with one program header of this type. */
function executable(type: number): Buffer {
  const head = Buffer.alloc(120);
  head.write("\x7fELF\x02\x01\x01", "latin1");
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt32LE(type, 64);
  return head;
}

const LOAD = 1;
const INTERP = 3;

test("only emulators that need no other file are taken, and those of the machine's own programs are none", () => {
  withDirectory((directory) => {
    const put = (name: string, content: string | Buffer) =>
      writeFileSync(join(directory, name), content, { mode: 0o755 });
    put("qemu-riscv64-static", executable(LOAD));
    put("qemu-s390x-static", executable(INTERP));
    put("qemu-s390x", executable(LOAD));
    put("qemu-x86_64", executable(LOAD));
    put("qemu-i386-static", executable(LOAD));
    for (const name of ["qemu-mips64el-static", "qemu-mips64el"]) put(name, "#!/bin/sh\n");
    for (const name of ["qemu-ppc64le-static", "qemu-ppc64le"]) put(name, executable(INTERP));
    const found = findEmulators("amd64", [directory]).filter(({ path }) => path.startsWith(directory));
    expect(found).toEqual([
      { architecture: "riscv64", path: join(directory, "qemu-riscv64-static") },
      { architecture: "s390x", path: join(directory, "qemu-s390x") },
    ]);
    chmodSync(join(directory, "qemu-riscv64-static"), 0o311);
    if (process.getuid?.() !== 0)
      expect(findEmulators("amd64", [directory]).map(({ path }) => path)).not.toContain(found[0]?.path);
  });
});

test("what the host has registered counts while it is switched on", () => {
  withDirectory((directory) => {
    const magic = "7f454c460201010000000000000000000200b700";
    const entry = (state: string) => `${state}\ninterpreter /q\nflags: PF\noffset 0\nmagic ${magic}\n`;
    const runs = () => runsArchitecture("arm64", "amd64", directory);
    expect(runs()).toBe(false);
    writeFileSync(join(directory, "status"), entry("enabled"));
    expect(runs()).toBe(false);
    writeFileSync(join(directory, "qemu-aarch64"), entry("disabled"));
    expect(runs()).toBe(false);
    writeFileSync(join(directory, "qemu-aarch64"), entry("enabled"));
    expect(runs()).toBe(true);
    expect(registeredArchitectures("amd64", directory)).toEqual(["arm64"]);
    expect(runsArchitecture("386", "amd64", "/nonexistent")).toBe(true);
  });
});
