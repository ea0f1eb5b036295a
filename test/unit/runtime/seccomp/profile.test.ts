import { expect, test } from "bun:test";
import { loadLibSeccomp } from "../../../../src/host/index.ts";
import { parseProfile } from "../../../../src/runtime/seccomp/profile.ts";
import { AUDIT_ARCH, simulate } from "./simulate.ts";

const parse = (profile: unknown, capabilities: string[] = []) =>
  parseProfile(JSON.stringify(profile), "x86_64", new Set(capabilities));
const names = (profile: unknown, capabilities: string[] = []) =>
  parse(profile, capabilities).rules.map((rule) => rule.name);
const library = loadLibSeccomp();
const needsLibrary = library === undefined ? test.skip : test;

test("rules depend on architecture and capabilities as their conditions say", () => {
  const allow = { action: "SCMP_ACT_ALLOW" };
  const profile = {
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [
      { ...allow, names: ["read"] },
      { ...allow, names: ["arch_prctl"], includes: { arches: ["amd64"] } },
      { ...allow, names: ["set_tls"], includes: { arches: ["arm"] } },
      { ...allow, names: ["bpf"], includes: { caps: ["CAP_SYS_ADMIN"] } },
      { ...allow, names: ["chroot"], excludes: { caps: ["CAP_SYS_ADMIN"] } },
    ],
  };
  expect(names(profile)).toEqual(["read", "arch_prctl", "chroot"]);
  expect(names(profile, ["CAP_SYS_ADMIN"])).toEqual(["read", "arch_prctl", "bpf"]);
});

test("what is not understood is refused, never skipped", () => {
  const rule = (extra: object) => ({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["read"], action: "SCMP_ACT_ERRNO", ...extra }],
  });
  const bad: unknown[] = [
    [],
    {},
    { defaultAction: "ALLOW" },
    rule({ action: "SCMP_ACT_NOTIFY" }),
    rule({ names: [1] }),
    rule({ errnoRet: 70000 }),
    rule({ args: [{ index: 9, value: 1, op: "SCMP_CMP_EQ" }] }),
    rule({ args: [{ index: 0, value: 1, op: "SCMP_CMP_ODD" }] }),
    rule({ args: [{ index: 0, value: "1", op: "SCMP_CMP_EQ" }] }),
  ];
  for (const profile of bad) expect(() => parse(profile)).toThrow("decoding seccomp profile failed");
  expect(() => parseProfile("{", "x86_64", new Set())).toThrow("decoding seccomp profile failed");
});

needsLibrary("a compiled profile answers as it says", () => {
  const filter = library!.compile(
    parse({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [
        { names: ["getpid"], action: "SCMP_ACT_ERRNO", errnoRet: 13 },
        { name: "dup", action: "SCMP_ACT_ERRNO", args: [{ index: 0, value: 7, op: "SCMP_CMP_EQ" }] },
      ],
    }),
  );
  const call = (nr: number, ...args: bigint[]) => simulate(filter, { arch: AUDIT_ARCH.x86_64, nr, args });
  expect([call(39), call(32, 7n), call(32, 8n), call(0)]).toEqual(["errno 13", "errno 1", "allow", "allow"]);
});
