import { describe, expect, test } from "bun:test";
import { SetupError } from "../../../../src/base/index.ts";
import { decodePlan } from "../../../../src/runtime/plan/decode.ts";
import { encodePlan } from "../../../../src/runtime/plan/encode.ts";
import { opTable, opTableHash, opTableText } from "../../../../src/runtime/plan/op-table.ts";
import { NO_SLOT, OPS, type Plan } from "../../../../src/runtime/plan/ops.ts";

const hostname = (name: string): Plan => ({ ops: [{ op: "hostname", stage: "setup", args: { name } }] });

describe("the wire form of a plan", () => {
  test("has the header PLAN.md describes", () => {
    const bytes = encodePlan({ ops: [] });
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    expect(bytes.length).toBe(32);
    expect(new TextDecoder().decode(bytes.subarray(0, 8))).toBe("KELPPLAN");
    expect([view.getUint32(8, true), view.getUint32(12, true)]).toEqual([32, 0]);
    expect(bytes.subarray(16, 24)).toEqual(new Uint8Array(opTableHash()));
    expect(bytes.subarray(24, 32)).toEqual(new Uint8Array(8));
  });

  test("writes a string with its length, a NUL and padding to four", () => {
    const record = encodePlan(hostname("abc")).subarray(32);
    expect([...record]).toEqual([0x2b, 0, 7, 0, 8, 0, 0, 0, 3, 0, 0, 0, 0x61, 0x62, 0x63, 0]);
    expect([...encodePlan(hostname("abcd")).subarray(44)]).toEqual([0x61, 0x62, 0x63, 0x64, 0, 0, 0, 0]);
    expect(encodePlan(hostname("")).length).toBe(32 + 8 + 8);
  });

  test("counts bytes, not characters", () => {
    const record = encodePlan(hostname("é€😀")).subarray(40);
    expect(record[0]).toBe(9);
    expect(record.length).toBe(4 + 12);
  });

  test("writes blobs without a NUL and lists with their count", () => {
    const seccomp: Plan = {
      ops: [{ op: "seccomp", stage: "exec", args: { flags: 7, filter: new Uint8Array([1, 2, 3, 4, 5]) } }],
    };
    expect([...encodePlan(seccomp).subarray(40)]).toEqual([7, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0]);
    const spawn: Plan = { ops: [{ op: "spawn", stage: "finish", args: { argv: ["a", "bc"], env: [] } }] };
    expect([...encodePlan(spawn).subarray(40)]).toEqual([
      2, 0, 0, 0, 1, 0, 0, 0, 0x61, 0, 0, 0, 2, 0, 0, 0, 0x62, 0x63, 0, 0, 0, 0, 0, 0,
    ]);
  });

  test("grows beyond its first buffer without leaving rubbish in the padding", () => {
    const env = Array.from({ length: 5000 }, (_, i) => `VARIABLE_${i}=${"x".repeat(i % 7)}`);
    const plan: Plan = { ops: [{ op: "spawn", stage: "finish", args: { argv: ["/x"], env } }] };
    const bytes = encodePlan(plan);
    expect(bytes.length % 4).toBe(0);
    expect(new DataView(bytes.buffer).getUint32(8, true)).toBe(bytes.length);
  });

  test("grows wherever its buffer ends: in a string, in a number, in the head of an operation", () => {
    const small = Array.from({ length: 1100 }, (): Plan["ops"][number] => ({
      op: "joinHolder",
      stage: "launch",
      args: { pid: 7, start: 1n, namespaces: 2n },
    }));
    for (let length = 0; length < 64; length += 4) {
      const first: Plan["ops"][number] = {
        op: "onFailure",
        stage: "config",
        args: { argv: ["x".repeat(length)], env: [] },
      };
      const ops = [first, ...small];
      expect(decodePlan(encodePlan({ ops }))?.ops.length).toBe(ops.length);
    }
  });

  test("refuses a NUL inside a string, naming the option", () => {
    const plan: Plan = {
      ops: [{ op: "hostname", stage: "setup", args: { name: "a\0b" }, origin: "--hostname" }],
    };
    expect(() => encodePlan(plan)).toThrow(SetupError);
    expect(() => encodePlan(plan)).toThrow("--hostname");
  });

  test("refuses more than 4 MiB", () => {
    expect(() => encodePlan(hostname("x".repeat(4 << 20)))).toThrow("4 MiB");
  });

  test("refuses numbers that do not fit", () => {
    const close = (slot: number): Plan => ({ ops: [{ op: "closeSlot", stage: "setup", args: { slot } }] });
    expect(() => encodePlan(close(64))).toThrow(RangeError);
    expect(encodePlan(close(NO_SLOT)).length).toBe(44);
    expect(() => encodePlan({ ops: [{ op: "umask", stage: "exec", args: { mask: -1 } }] })).toThrow(
      RangeError,
    );
  });
});

describe("the op table", () => {
  test("gives every opcode to one operation only", () => {
    const codes = Object.values(OPS).map((def) => def.code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  test("is ordered by opcode and named in full in its canonical text", () => {
    const codes = opTable().map(([, def]) => def.code);
    expect(codes).toEqual(codes.toSorted((a, b) => a - b));
    expect(opTableText()).toContain("89 execve exec,check,startup argv:strv,env:strv,search:strv\n");
    expect(opTableHash().length).toBe(8);
  });
});
