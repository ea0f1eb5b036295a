/** The published comparison of kelp's default filter with podman's: call by call, and by the arguments that either looks at. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { loadLibSeccomp } from "../../../../src/host/index.ts";
import { defaultCapabilities } from "../../../../src/runtime/index.ts";
import type { FilterArch } from "../../../../src/runtime/seccomp/arch.ts";
import { compileOwnFilter } from "../../../../src/runtime/seccomp/own-filter.ts";
import { parseProfile } from "../../../../src/runtime/seccomp/profile.ts";
import { UNLOCKED } from "../../../../src/runtime/seccomp/rules.ts";
import { differences, syscalls } from "./probes.ts";

/** Debian's golang-github-containers-common. */
const PROFILE = "/usr/share/containers/seccomp.json";
const library = loadLibSeccomp();
const REFUSED = "errno 1, not allow";
const NOT_ENOSYS = "errno 1, not errno 38";

const table = (answer: string, names: string) =>
  Object.fromEntries(names.split(/[\n,]/).map((name) => [name.trim(), answer] as const));

/** Where kelp is stricter on purpose, whatever the capabilities; T2 and K1 of docs/attacks.md are among the reasons. */
const STRICTER: Readonly<Record<string, string>> = {
  ...table(REFUSED, "keyctl, ioctl: TIOCSTI, ioctl: TIOCSTI with high bits, ioctl: TIOCLINUX"),
  "socket: other families": "errno 97, not allow",
  "socketpair: other families": "errno 97, not allow",
  // podman's compares all 64 bits, of which the kernel reads 32.
  "socket: vsock with high bits": "errno 97, not allow",
};
/** Only audit is left to who may write to it, and the same trick with the high bits. */
const AUDIT = { "socket: netlink audit with high bits": "errno 22, not allow" };
/** Refused by both: EPERM says "no privilege" where podman says "no such call". */
const OTHER_ERRNO = table(
  NOT_ENOSYS,
  "add_key, request_key, io_uring_setup, io_uring_enter, io_uring_register, personality: 1, personality: 40000",
);
/** Younger than the profile in Debian 12, or harmless and left out of it; the kernel does not see a personality's high bits. */
const ALLOWED_MORE: Readonly<Record<string, string>> = {
  ...table("allow, not errno 38", "futex_waitv, set_mempolicy_home_node, personality: 100000000"),
  io_pgetevents: "allow, not errno 1",
};
/** Without the capability that the kernel asks for podman lets these through to it; kelp does not. */
const LOCKED = table(
  REFUSED,
  `fsconfig, fsmount, fsopen, fspick, mount, mount_setattr, move_mount, open_tree, pivot_root, process_vm_readv,
   process_vm_writev, reboot, setns, syslog, umount2, unshare: time, unshare: time with high bits,
   clone: mount, clone: cgroup, clone: user, clone: net, unshare: mount, unshare: cgroup, unshare: user, unshare: net,
   clone: mount with high bits, clone: cgroup with high bits, clone: user with high bits, clone: net with high bits,
   unshare: mount with high bits, unshare: cgroup with high bits, unshare: user with high bits, unshare: net with high bits`,
);
const ALWAYS = { ...STRICTER, ...OTHER_ERRNO, ...ALLOWED_MORE };
const DEFAULT = {
  ...ALWAYS,
  ...AUDIT,
  ...LOCKED,
  clone3: "errno 38, not allow", // its flags lie behind a pointer
  quotactl_fd: NOT_ENOSYS,
};

function compare(arch: FilterArch, capabilities: readonly string[]): Record<string, string> {
  const set = new Set(capabilities);
  const theirs = library!.compile(parseProfile(readFileSync(PROFILE, "utf8"), arch, set));
  return differences(arch, compileOwnFilter(library!, arch, set), theirs);
}

/** Calls that this kernel's header lacks cannot differ. */
function known(arch: FilterArch, expected: Readonly<Record<string, string>>): Record<string, string> {
  const names = syscalls(arch)!;
  return Object.fromEntries(Object.entries(expected).filter(([name]) => names.has(name.split(":")[0]!)));
}

for (const arch of ["x86_64", "aarch64"] as const) {
  const lacking =
    library === undefined
      ? "libseccomp.so.2"
      : existsSync(PROFILE)
        ? syscalls(arch) === undefined && "linux-libc-dev"
        : PROFILE;
  if (lacking) console.warn(`SKIPPED: comparison with podman's seccomp profile on ${arch} needs ${lacking}`);
  describe.skipIf(Boolean(lacking))(
    `the default filter on ${arch} differs from podman's profile only where it means to`,
    () => {
      test("with the default capabilities", () => {
        expect(compare(arch, defaultCapabilities())).toEqual(known(arch, DEFAULT));
      });

      test("with every capability: nothing is locked then", () => {
        const all = [...defaultCapabilities(), ...Object.keys(UNLOCKED), "CAP_AUDIT_WRITE", "CAP_NET_RAW"];
        const more = { quotactl_fd: "allow, not errno 38" };
        expect(compare(arch, all)).toEqual(known(arch, { ...ALWAYS, ...more }));
      });
    },
  );
}
