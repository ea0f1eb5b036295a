import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { loadLibSeccomp } from "../../../../src/host/index.ts";
import { defaultCapabilities } from "../../../../src/runtime/index.ts";
import x86 from "../../../../src/runtime/seccomp/default-x86_64.ts";
import { parseProfile } from "../../../../src/runtime/seccomp/profile.ts";
import { AUDIT_ARCH, simulate } from "./simulate.ts";

/** Debian's golang-github-containers-common. */
const PROFILE = "/usr/share/containers/seccomp.json";
const library = loadLibSeccomp();
const missing = library === undefined ? "libseccomp.so.2" : existsSync(PROFILE) ? undefined : PROFILE;
if (missing !== undefined) console.warn(`SKIPPED: comparison with podman's seccomp profile needs ${missing}`);

/**
 * Where kelp means to differ from podman's default profile on x86_64 with the default capabilities and no
 * arguments' bits set. Anything else that differs is a mistake in the table.
 */
const STRICTER: Readonly<Record<string, string>> = {
  clone3: "errno 38", // its flags lie behind a pointer
  fsconfig: "errno 1",
  fsmount: "errno 1",
  fsopen: "errno 1",
  fspick: "errno 1",
  keyctl: "errno 1",
  mount: "errno 1",
  mount_setattr: "errno 1",
  move_mount: "errno 1",
  open_tree: "errno 1",
  pivot_root: "errno 1",
  process_vm_readv: "errno 1",
  process_vm_writev: "errno 1",
  reboot: "errno 1",
  setns: "errno 1",
  socket: "errno 97", // family 0
  socketpair: "errno 97",
  syslog: "errno 1",
  umount2: "errno 1",
};
/** Refused by both, with another errno: EPERM says "no privilege" where podman says "no such call". */
const OTHER_ERRNO: readonly string[] = [
  "add_key",
  "io_uring_enter",
  "io_uring_register",
  "io_uring_setup",
  "quotactl_fd",
  "request_key",
];
/** Younger than the profile in Debian 12, or harmless and left out of it. */
const ALLOWED_MORE: readonly string[] = ["futex_waitv", "io_pgetevents", "set_mempolicy_home_node"];

const comparison = missing === undefined ? test : test.skip;

comparison("the default filter differs from podman's profile only where it means to", () => {
  const capabilities = new Set(defaultCapabilities());
  const theirs = library!.compile(parseProfile(readFileSync(PROFILE, "utf8"), "x86_64", capabilities));
  const ours = Buffer.from(x86, "base64");
  const differences: Record<string, string> = {};
  for (const [name, nr] of syscalls()) {
    const call = { arch: AUDIT_ARCH.x86_64, nr };
    const [a, b] = [simulate(ours, call), simulate(theirs, call)];
    if (a !== b) differences[name] = a;
  }
  const expected: Record<string, string> = { ...STRICTER };
  for (const name of OTHER_ERRNO) expected[name] = "errno 1";
  for (const name of ALLOWED_MORE) expected[name] = "allow";
  const known = new Set(syscalls().map(([name]) => name));
  for (const name of Object.keys(expected)) if (!known.has(name)) delete expected[name];
  expect(differences).toEqual(expected);
});

/** Every call libseccomp knows on x86_64: numbers are dense, and names come from the kernel's own header. */
function syscalls(): [string, number][] {
  const header = ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"].find(
    existsSync,
  );
  if (header === undefined) {
    console.warn("SKIPPED: comparison with podman's seccomp profile needs linux-libc-dev");
    return [];
  }
  const names = [...readFileSync(header, "utf8").matchAll(/^#define __NR_(\w+) (\d+)$/gm)];
  return names.map(([, name, number]) => [name!, Number(number)]);
}
