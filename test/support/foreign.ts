/** A program for arm64, for what starts programs of other architectures. */

/**
 * `uname -m` in 38 instructions, without libc: writes the machine and a prompt (`#` for root, `$` for others) to its
 * standard output, or to the file that its first argument names.
 */
const CODE =
  "8wNA+fQLQPn/QwbR4AMAkQgUgNIBAADUNQCA0n8KAPELAQBUYAyAkuEDFKoiCIDSgzSA0ggHgNIBAADU9QMAquETBJECAIDSI2hiOGMAADRCBACR/f//F+gVgNIBAADUgwSAUkAAALVjBIBSI2giOEIEAJFDAYBSI2giOEIEAJHgAxWqCAiA0gEAANQAAIDSqAuA0gEAANQ=";

const HEADERS = 120;
const BASE = 0x400000n;
const AARCH64 = 183;

/** The file: one header, one segment, the code. */
export function arm64Uname(): Buffer {
  const code = Buffer.from(CODE, "base64");
  const elf = Buffer.alloc(HEADERS);
  elf.write("\x7fELF\x02\x01\x01", "latin1");
  elf.writeUInt16LE(2, 16);
  elf.writeUInt16LE(AARCH64, 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BASE + BigInt(HEADERS), 24);
  elf.writeBigUInt64LE(64n, 32);
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  const segment = elf.subarray(64);
  segment.writeUInt32LE(1, 0);
  segment.writeUInt32LE(5, 4);
  for (const at of [16, 24]) segment.writeBigUInt64LE(BASE, at);
  for (const at of [32, 40]) segment.writeBigUInt64LE(BigInt(HEADERS + code.length), at);
  segment.writeBigUInt64LE(0x10000n, 48);
  return Buffer.concat([elf, code]);
}
