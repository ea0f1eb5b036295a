import { describe, expect, test } from "bun:test";
import { loadLibSeccomp } from "../../../../src/host/index.ts";
import { allOthers, ociSeccomp } from "../../../../src/runtime/seccomp/oci.ts";
import { compileOwnFilter } from "../../../../src/runtime/seccomp/own-filter.ts";
import { parseProfile } from "../../../../src/runtime/seccomp/profile.ts";
import { ALLOWED_NEW } from "../../../../src/runtime/seccomp/rules.ts";
import { specInput, specOf } from "../fixture.ts";
import { differences } from "./probes.ts";

const library = loadLibSeccomp();

/** What a list of (mask, value) pairs says about a number. */
const matches = (pairs: readonly (readonly [number, number])[], number: number) =>
  pairs.filter(([mask, value]) => (number & mask) >>> 0 === value).length;

describe("all other numbers", () => {
  test("are each matched once, and those listed never", () => {
    const listed = [0x5412, 0x541c];
    const pairs = allOthers(listed);
    for (const number of [0, 1, 0x5411, 0x5413, 0x541b, 0x541d, 0x7fffffff, 0x80005412, 0xffffffff])
      expect({ number, found: matches(pairs, number) }).toEqual({ number, found: 1 });
    for (const number of listed) expect(matches(pairs, number)).toBe(0);
  });
});

describe("the filter in an OCI runtime's words", () => {
  const filter = ociSeccomp(specOf(), specInput().config, "x86_64")!;
  const rulesOf = (name: string) => filter.syscalls.filter(({ names }) => names.includes(name));

  test("answers ENOSYS to what it does not know and EPERM to what it refuses", () => {
    expect({ action: filter.defaultAction, errno: filter.defaultErrnoRet }).toEqual({
      action: "SCMP_ACT_ERRNO",
      errno: 38,
    });
    expect(rulesOf("keyctl").map(({ action, errnoRet }) => [action, errnoRet])).toEqual([
      ["SCMP_ACT_ERRNO", 1],
    ]);
    expect(rulesOf("openat").map(({ action }) => action)).toEqual(["SCMP_ACT_ALLOW"]);
  });

  test("compares the low 32 bits only, so that high bits hide nothing", () => {
    const compared = filter.syscalls.flatMap(({ args = [] }) => args);
    expect(new Set(compared.map(({ op }) => op))).toEqual(new Set(["SCMP_CMP_MASKED_EQ"]));
    expect(compared.every(({ value }) => value <= 0xffffffff)).toBe(true);
  });

  test("never allows a call of which an argument is asked without asking", () => {
    for (const name of ["socket", "ioctl", "clone", "unshare", "personality"])
      expect(rulesOf(name).every(({ args }) => args !== undefined)).toBe(true);
  });

  test("leaves out the architecture whose socketcall hides the family", () => {
    expect(filter.architectures).toEqual(["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"]);
  });

  for (const arch of ["x86_64", "aarch64"] as const) {
    test.skipIf(library === undefined)(
      `answers on ${arch} as holdfast's own does, arguments included`,
      () => {
        const spec = specOf();
        const capabilities = new Set(spec.process.capabilities.bounding);
        const words = JSON.stringify(ociSeccomp(spec, specInput().config, arch));
        const compiled = library!.compile(parseProfile(words, arch, capabilities));
        const found = differences(arch, compileOwnFilter(library!, arch, capabilities), compiled);
        // Calls that this machine's libseccomp is too old to know by name are not in what it compiles.
        for (const name of Object.keys(ALLOWED_NEW)) delete found[name];
        expect(found).toEqual({});
      },
    );
  }
});
