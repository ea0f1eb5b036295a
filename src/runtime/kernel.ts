/** Numbers of the kernel's interface that plans carry. Only what is used. */
import { constants } from "node:fs";

export const CLONE = {
  NEWNS: 0x20000n,
  NEWCGROUP: 0x2000000n,
  NEWUTS: 0x4000000n,
  NEWIPC: 0x8000000n,
  NEWUSER: 0x10000000n,
  NEWPID: 0x20000000n,
  NEWNET: 0x40000000n,
} as const;

/** Flags of mount(2): propagation types. */
export const MS = {
  REC: 0x4000n,
  UNBINDABLE: 0x20000n,
  PRIVATE: 0x40000n,
  SLAVE: 0x80000n,
  SHARED: 0x100000n,
} as const;

/** Attributes of mount_setattr(2) and fsmount(2). */
export const ATTR = {
  RDONLY: 0x1n,
  NOSUID: 0x2n,
  NODEV: 0x4n,
  NOEXEC: 0x8n,
  NOATIME: 0x10n,
  STRICTATIME: 0x20n,
  NODIRATIME: 0x80n,
  NOSYMFOLLOW: 0x200000n,
} as const;

/** Both bits of the access-time field, which must be cleared before another value is set. */
export const ATTR_ATIME = 0x70n;

export const OPEN_TREE = { CLONE: 1, NOFOLLOW: 0x100, RECURSIVE: 0x8000 } as const;

export const RESOLVE = {
  NO_XDEV: 0x1n,
  NO_MAGICLINKS: 0x2n,
  NO_SYMLINKS: 0x4n,
  BENEATH: 0x8n,
  IN_ROOT: 0x10n,
} as const;

/** Two of these have other numbers on other architectures. */
export const O = {
  PATH: 0o10000000,
  DIRECTORY: constants.O_DIRECTORY,
  NOFOLLOW: constants.O_NOFOLLOW,
} as const;

export const MNT_DETACH = 2;

/** move_mount's target, made if missing. */
export const CREATE = { no: 0, directory: 1, file: 2 } as const;

/** expectDevice's kinds. */
export const KIND = { char: 0, block: 1, directory: 2, regular: 3 } as const;
