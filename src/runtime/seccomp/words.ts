/** What the default filter keeps a container from, for people. */
import { UNLOCKED } from "./rules.ts";

/** By the capability that would unlock the calls. */
export const UNLOCKED_WORDS: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: "opening files by handle, past all directories",
  CAP_SYS_ADMIN: "mounting, entering and making namespaces, eBPF, performance counters, quotas",
  CAP_SYS_BOOT: "rebooting",
  CAP_SYS_CHROOT: "changing the root directory",
  CAP_SYS_MODULE: "loading kernel modules",
  CAP_SYS_PACCT: "process accounting",
  CAP_SYS_PTRACE: "reading and writing other processes' memory",
  CAP_SYS_RAWIO: "input and output ports",
  CAP_SYS_TIME: "setting the clock",
  CAP_SYS_TTY_CONFIG: "hanging up terminals",
  CAP_SYSLOG: "the kernel's log",
};

const ALWAYS = [
  "kernel keyrings, io_uring, userfaultfd, swap, kexec, moving memory between nodes",
  "sockets of other families than Unix, internet and netlink",
  "putting words into a terminal's input (TIOCSTI)",
  "calls of ancient and of unknown, newer kernels",
];

/** Groups of calls that are refused to who has these capabilities, the most telling first. */
export function refusedGroups(capabilities: ReadonlySet<string>): string[] {
  const locked = Object.keys(UNLOCKED).filter((name) => !capabilities.has(name));
  const namespaces = capabilities.has("CAP_SYS_ADMIN") ? [] : ["new user namespaces and all others"];
  return [...namespaces, ...locked.map((name) => UNLOCKED_WORDS[name] ?? name), ...ALWAYS];
}
