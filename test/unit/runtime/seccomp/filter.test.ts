import { expect, test } from "bun:test";
import { loadLibSeccomp } from "../../../../src/host/index.ts";
import { defaultCapabilities } from "../../../../src/runtime/index.ts";
import aarch64 from "../../../../src/runtime/seccomp/default-aarch64.ts";
import x86 from "../../../../src/runtime/seccomp/default-x86_64.ts";
import { compileOwnFilter } from "../../../../src/runtime/seccomp/own-filter.ts";
import { REFUSED } from "../../../../src/runtime/seccomp/rules.ts";
import { AUDIT_ARCH, type Call, simulate, X32_BIT } from "./simulate.ts";

const x86Filter = Buffer.from(x86, "base64");
const armFilter = Buffer.from(aarch64, "base64");
const library = loadLibSeccomp();
const needsLibrary = library === undefined ? test.skip : test;

/** Numbers by hand: these tests must not depend on the library that made the filter. */
const X86_64 = {
  socket: 41,
  socketpair: 53,
  clone: 56,
  ioctl: 16,
  personality: 135,
  unshare: 272,
  clone3: 435,
};
const I386 = {
  socket: 359,
  socketpair: 360,
  clone: 120,
  ioctl: 54,
  personality: 136,
  unshare: 310,
  socketcall: 102,
};

const on64 = (nr: number, ...args: bigint[]): Call => ({ arch: AUDIT_ARCH.x86_64, nr, args });
const on32 = (nr: number, ...args: bigint[]): Call => ({ arch: AUDIT_ARCH.x86, nr, args });
const onX32 = (nr: number, ...args: bigint[]): Call => ({ arch: AUDIT_ARCH.x86_64, nr: nr | X32_BIT, args });
const HIGH = [0n, 1n << 32n, 0xffffffffn << 32n, 1n << 63n];

test("socket families are exactly UNIX, INET, INET6 and NETLINK, from every ABI and whatever the high bits", () => {
  for (let family = 0n; family <= 64n; family++) {
    const expected = [1n, 2n, 10n, 16n].includes(family) ? "allow" : "errno 97";
    for (const high of HIGH) {
      for (const type of [1n, 2n, 3n]) {
        const calls = [
          on64(X86_64.socket, family | high, type),
          on32(I386.socket, family | high, type),
          onX32(X86_64.socket, family | high, type),
          on64(X86_64.socketpair, family | high, type),
          on32(I386.socketpair, family | high, type),
        ];
        for (const call of calls) expect(simulate(x86Filter, call)).toBe(expected);
        expect(simulate(armFilter, { arch: AUDIT_ARCH.aarch64, nr: 198, args: [family | high, type] })).toBe(
          expected,
        );
        expect(simulate(armFilter, { arch: AUDIT_ARCH.arm, nr: 281, args: [family | high, type] })).toBe(
          expected,
        );
      }
    }
  }
});

test("the 32-bit socket multiplexer does not exist", () => {
  for (let call = 0n; call <= 20n; call++)
    expect(simulate(x86Filter, on32(I386.socketcall, call))).toBe("errno 38");
});

test("nobody types into a terminal, whatever the high bits of the request", () => {
  for (const high of HIGH) {
    for (const request of [0x5412n, 0x541cn]) {
      expect(simulate(x86Filter, on64(X86_64.ioctl, 0n, request | high))).toBe("errno 1");
      expect(simulate(x86Filter, on32(I386.ioctl, 0n, request | high))).toBe("errno 1");
      expect(simulate(armFilter, { arch: AUDIT_ARCH.aarch64, nr: 29, args: [0n, request | high] })).toBe(
        "errno 1",
      );
    }
    expect(simulate(x86Filter, on64(X86_64.ioctl, 0n, 0x5413n | high))).toBe("allow");
  }
  // x32 has an ioctl of its own.
  expect(simulate(x86Filter, onX32(514, 0n, 0x5412n))).toBe("errno 1");
  expect(simulate(x86Filter, onX32(514, 0n, 0x5401n))).toBe("allow");
});

test("no new namespace by clone or unshare, and clone3 does not exist", () => {
  for (const bit of [0x20000n, 0x2000000n, 0x4000000n, 0x8000000n, 0x10000000n, 0x20000000n, 0x40000000n]) {
    for (const other of [0n, 17n, 0x3d0f00n, 1n << 40n]) {
      for (const call of [
        on64(X86_64.clone, bit | other),
        on32(I386.clone, bit | other),
        onX32(X86_64.clone, bit | other),
      ])
        expect(simulate(x86Filter, call)).toBe("errno 1");
      expect(simulate(x86Filter, on64(X86_64.unshare, bit | other))).toBe("errno 1");
      expect(simulate(x86Filter, on32(I386.unshare, bit | other))).toBe("errno 1");
      expect(simulate(armFilter, { arch: AUDIT_ARCH.aarch64, nr: 220, args: [bit | other] })).toBe("errno 1");
    }
  }
  expect(simulate(x86Filter, on64(X86_64.unshare, 0x80n))).toBe("errno 1");
  expect(simulate(x86Filter, on64(X86_64.unshare, 0x400n))).toBe("allow");
  expect(simulate(x86Filter, on64(X86_64.clone, 0x3d0f00n))).toBe("allow");
  expect(simulate(x86Filter, on64(X86_64.clone3))).toBe("errno 38");
  expect(simulate(x86Filter, onX32(X86_64.clone3))).toBe("errno 38");
});

test("only harmless personalities", () => {
  for (const value of [0n, 8n, 0x20000n, 0x20008n, 0xffffffffn]) {
    for (const high of HIGH)
      expect(simulate(x86Filter, on64(X86_64.personality, value | high))).toBe("allow");
  }
  // READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE
  for (const value of [0x400000n, 0x40000n])
    expect(simulate(x86Filter, on64(X86_64.personality, value))).toBe("errno 1");
});

test("calls above every known number do not exist", () => {
  for (let nr = 471; nr < 1024; nr++) {
    expect(simulate(x86Filter, on64(nr))).toBe("errno 38");
    expect(simulate(armFilter, { arch: AUDIT_ARCH.aarch64, nr })).toBe("errno 38");
  }
});

test("young calls that C libraries use are allowed, young mount calls are not", () => {
  for (const filter of [x86Filter, armFilter]) {
    const arch = filter === x86Filter ? AUDIT_ARCH.x86_64 : AUDIT_ARCH.aarch64;
    for (const nr of [449, 451, 452, 454, 455, 456, 462])
      expect(simulate(filter, { arch, nr })).toBe("allow");
    for (const nr of [457, 458, 467]) expect(simulate(filter, { arch, nr })).toBe("errno 38");
  }
});

test("io_uring does what an unknown call does or is refused, on every ABI", () => {
  for (const nr of [425, 426, 427]) {
    expect(simulate(x86Filter, on64(nr))).toBe("errno 1");
    expect(simulate(x86Filter, on32(nr))).toBe("errno 1");
    expect(simulate(armFilter, { arch: AUDIT_ARCH.aarch64, nr })).toBe("errno 1");
  }
});

test("a foreign architecture is killed", () => {
  expect(simulate(x86Filter, { arch: 0xc0000015, nr: 1 })).toBe("kill");
  expect(simulate(armFilter, { arch: AUDIT_ARCH.x86_64, nr: 0 })).toBe("kill");
});

needsLibrary("what is refused and what capabilities unlock stays refused by default", () => {
  const locked =
    "bpf fsopen fsmount fsconfig fspick mount umount2 pivot_root move_mount open_tree mount_setattr setns perf_event_open open_by_handle_at kcmp process_vm_readv init_module reboot settimeofday".split(
      " ",
    );
  for (const name of [...REFUSED, ...locked]) {
    const nr = library!.number("x86_64", name);
    if (nr !== undefined) expect([name, simulate(x86Filter, on64(nr))]).toEqual([name, "errno 1"]);
  }
});

needsLibrary("SYS_ADMIN unlocks mounts and namespaces, NET_RAW packet sockets, and nothing else", () => {
  const base = defaultCapabilities();
  const admin = compileOwnFilter(library!, "x86_64", new Set([...base, "CAP_SYS_ADMIN"]));
  expect(simulate(admin, on64(165))).toBe("allow");
  expect(simulate(admin, on64(X86_64.unshare, 0x10000000n))).toBe("allow");
  expect(simulate(admin, on64(X86_64.clone3))).toBe("allow");
  expect(simulate(admin, on64(X86_64.socket, 17n))).toBe("errno 97");
  const raw = compileOwnFilter(library!, "x86_64", new Set([...base, "CAP_NET_RAW"]));
  expect(simulate(raw, on64(X86_64.socket, 17n))).toBe("allow");
  expect(simulate(raw, on64(X86_64.socket, 38n))).toBe("errno 97");
  expect(simulate(raw, on64(165))).toBe("errno 1");
});

needsLibrary("the filters in the repository are what the table says", () => {
  const base = new Set(defaultCapabilities());
  expect(Buffer.from(compileOwnFilter(library!, "x86_64", base)).equals(x86Filter)).toBe(true);
  expect(Buffer.from(compileOwnFilter(library!, "aarch64", base)).equals(armFilter)).toBe(true);
});
