import { expect, test } from "bun:test";
import { Sha256, sha256Bytes, sha256Hex } from "../../../src/base/index.ts";

const OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

test("text and bytes have the SHA-256 of FIPS 180-2's example", () => {
  expect(sha256Hex("abc")).toBe(OF_ABC);
  expect(sha256Hex(Buffer.from("abc"))).toBe(OF_ABC);
  expect(Buffer.from(sha256Bytes("abc")).toString("hex")).toBe(OF_ABC);
});

test("what comes in parts has the hash of the whole", () => {
  const hash = new Sha256();
  for (const part of ["a", "", "bc"]) hash.update(Buffer.from(part));
  expect(hash.digestHex()).toBe(OF_ABC);
});
