/** Calls whose answer depends on arguments, in every state a filter may tell apart; what two filters answer differently. */
import { existsSync, readFileSync } from "node:fs";
import type { FilterArch } from "../../../../src/runtime/seccomp/arch.ts";
import { AUDIT_ARCH, simulate } from "./simulate.ts";

/** Argument lists by the words for them. */
type Probes = Readonly<Record<string, readonly bigint[]>>;

const HIGH = 1n << 32n;
const AUDIT_PROTOCOL = 9n;
/** `mount` to `net`: the bits of clone and unshare. */
const NAMESPACES = { time: 0x80n, mount: 0x20000n, cgroup: 1n << 25n, user: 1n << 28n, net: 1n << 30n };

function each<T>(values: readonly T[], name: (value: T) => string, args: (value: T) => bigint[]): Probes {
  return Object.fromEntries(values.map((value) => [name(value), args(value)]));
}

const families = Array.from({ length: 47 }, (_, family) => BigInt(family));

const PROBES: Readonly<Record<string, Probes>> = {
  socket: {
    ...each(
      families,
      (family) => `family ${family}`,
      (family) => [family, 1n, 0n],
    ),
    "netlink audit": [16n, 3n, AUDIT_PROTOCOL],
    "netlink audit with high bits": [16n, 3n, AUDIT_PROTOCOL | HIGH],
    "inet 9": [2n, 3n, AUDIT_PROTOCOL],
    "vsock with high bits": [40n | HIGH, 1n, 0n],
    "unix with high bits": [1n | HIGH, 1n, 0n],
  },
  socketpair: each(
    families,
    (family) => `family ${family}`,
    (family) => [family, 1n, 0n],
  ),
  ioctl: {
    TCGETS: [0n, 0x5401n],
    TIOCSTI: [0n, 0x5412n],
    TIOCLINUX: [0n, 0x541cn],
    "TIOCSTI with high bits": [0n, 0x5412n | HIGH],
  },
  personality: each(
    [0n, 1n, 8n, 0x20000n, 0x20008n, 0x40000n, 0xffffffffn, HIGH],
    (value) => value.toString(16),
    (value) => [value],
  ),
  clone: { thread: [0x3d0f00n], fork: [0x1200011n], ...namespaceProbes() },
  unshare: { files: [0x400n], ...namespaceProbes() },
  prctl: each([1n, 15n, 22n, 38n], String, (value) => [value]),
  ptrace: { me: [0n], seize: [0x4206n, 0n, 0n, 0x200000n] },
};

function namespaceProbes(): Probes {
  const entries = Object.entries(NAMESPACES);
  return Object.fromEntries([
    ...entries.map(([name, bit]) => [name, [bit]]),
    ...entries.map(([name, bit]) => [`${name} with high bits`, [bit | HIGH]]),
  ]);
}

/** Every call of an architecture, by the kernel's own header. */
export function syscalls(arch: FilterArch): ReadonlyMap<string, number> | undefined {
  const headers = {
    x86_64: ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"],
    aarch64: ["/usr/include/asm-generic/unistd.h"],
  }[arch];
  const header = headers.find(existsSync);
  if (header === undefined) return undefined;
  // On 64 bits the generic header's numbers of two widths are the plain names'.
  const lines = readFileSync(header, "utf8").matchAll(/^#define __NR(?:3264)?_(\w+) (\d+)$/gm);
  const entries = [...lines].filter(([, name]) => name !== "syscalls");
  return new Map(entries.map(([, name, number]) => [name!, Number(number)]));
}

/**
 * Where the first filter answers otherwise than the second: by call or `call: arguments`, with both answers. All socket
 * families that differ are `other families`, so long as they do in one way.
 */
export function differences(arch: FilterArch, ours: Uint8Array, theirs: Uint8Array): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, nr] of syscalls(arch) ?? []) {
    for (const [words, args] of Object.entries(PROBES[name] ?? { "": [] })) {
      const call = { arch: AUDIT_ARCH[arch], nr, args };
      const [a, b] = [simulate(ours, call), simulate(theirs, call)];
      if (a === b) continue;
      const key = words === "" ? name : `${name}: ${words.replace(/^family \d+$/, "other families")}`;
      const said = `${a}, not ${b}`;
      found[found[key] === undefined || found[key] === said ? key : `${name}: ${words}`] = said;
    }
  }
  return found;
}
