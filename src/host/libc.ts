/**
 * System calls that `node:` lacks. The only user of koffi, which takes milliseconds to load:
 * call `loadLibc` where needed, never on the way of run, exec or ps.
 *
 * Every function throws an Error with `.code` (`EPERM`), `.syscall` and `.path`, as those of node:fs do.
 */
import { type Koffi, loadKoffi } from "./koffi.ts";

/** A Buffer for names that are not UTF-8, as archives may contain. */
export type PathArgument = string | Buffer;

export interface Libc {
  /** Waits for the lock, or with `nonblock` returns false if somebody else has it. Closing the descriptor unlocks. */
  flock(fd: number, kind: "shared" | "exclusive" | "unlock", nonblock?: boolean): boolean;
  chroot(path: PathArgument): void;
  /** A second descriptor for the same thing, closed on exec. */
  dup(fd: number): number;
  mount(source: string, target: PathArgument, type: string, data: string): void;
  /** With `lazily` also what is in use: it goes when its last user does. */
  unmount(target: PathArgument, lazily?: boolean): void;
  /** Sets the mask for new files and returns the old one. */
  umask(mask: number): number;
  lchown(path: PathArgument, uid: number, gid: number): void;
  /** Extended attributes of the path itself, never through a symbolic link. Undefined: it has no such attribute. */
  lgetxattr(path: PathArgument, name: string): Buffer | undefined;
  lsetxattr(path: PathArgument, name: string, value: Uint8Array): void;
  /** Empty also where the filesystem has no attributes. */
  llistxattr(path: PathArgument): string[];
  /** The same of an open file. */
  flistxattr(fd: number): string[];
  lremovexattr(path: PathArgument, name: string): void;
  /** `mode` with the file type's bits; the umask applies. */
  mknod(path: PathArgument, mode: number, major: number, minor: number): void;
  /** Makes one file share all blocks of another (FICLONE); throws ENOTSUP or EXDEV where that is impossible. */
  reflink(toFd: number, fromFd: number): void;
  /** renameat2: `exchange` swaps two paths, `noreplace` fails with EEXIST. */
  rename(from: PathArgument, to: PathArgument, flag: "exchange" | "noreplace"): void;
  /** Becomes another program with an empty environment and the descriptors 0, 1, 2 and `keep`; returns by throwing only. */
  execve(path: string, argv: readonly string[], keep: readonly number[]): never;
  /** Sends one message to a unix socket; `address` is all of its sun_path. Never waits. */
  sendDatagram(address: Uint8Array, data: Uint8Array): void;
  /** Whether the other end of a pipe or socket is closed. Never waits. */
  isHungUp(fd: number): boolean;
  /** Writes out everything of the filesystem the descriptor is on. */
  syncfs(fd: number): void;
}

const LOCK = { shared: 1, exclusive: 2, unlock: 8 } as const;
const LOCK_NB = 4;
const AT_FDCWD = -100;
const FICLONE = 0x40049409;
const RENAME = { noreplace: 1, exchange: 2 } as const;
/** System calls that older C libraries (2.28 and before, or 2.32 for mknod) do not wrap. */
const SYSCALLS = {
  x64: { mknodat: 259, renameat2: 316 },
  arm64: { mknodat: 33, renameat2: 276 },
} as const;

let loaded: Libc | undefined;

/** The C library of this process. */
export function loadLibc(): Libc {
  loaded ??= bind(loadKoffi());
  return loaded;
}

type Call = (...values: unknown[]) => number;

function bind(koffi: Koffi): Libc {
  const library = koffi.load(null);
  const declare = (prototype: string): Call => library.func(prototype);
  const check = checker(koffi);
  const numbers = SYSCALLS[process.arch === "arm64" ? "arm64" : "x64"];
  return {
    ...bindXattrs(declare, check),
    flock: bindFlock(declare("int flock(int fd, int operation)"), check),
    chroot: bindPath("chroot", declare("int chroot(const void *path)"), check),
    dup: bindDup(declare("int fcntl(int fd, int command, int argument)"), check),
    ...bindMounts(declare, check),
    umask: declare("uint32_t umask(uint32_t mask)"),
    lchown: bindPath("lchown", declare("int lchown(const void *path, uint32_t uid, uint32_t gid)"), check),
    mknod: bindMknod(declare, check, numbers.mknodat),
    reflink: bindReflink(declare("int ioctl(int fd, unsigned long request, int argument)"), check),
    rename: bindRename(declare, check, numbers.renameat2),
    execve: bindExecve(declare, check),
    sendDatagram: bindSendDatagram(declare, check),
    isHungUp: bindHungUp(declare("int poll(void *fds, unsigned long count, int timeout)"), check),
    syncfs: bindSyncfs(declare("int syncfs(int fd)"), check),
  };
}

/** Turns -1 into an Error; returns other results. Codes in `tolerated` come back as undefined. */
type Check = {
  (result: number, syscall: string, path?: PathArgument): number;
  (
    result: number,
    syscall: string,
    path: PathArgument | undefined,
    tolerated: readonly string[],
  ): number | undefined;
};

function checker(koffi: Koffi): Check {
  const names = new Map<number, string>();
  for (const [name, number] of Object.entries(koffi.os.errno))
    if (!names.has(number)) names.set(number, name);
  const check = (result: number, syscall: string, path?: PathArgument, tolerated: readonly string[] = []) => {
    if (result !== -1) return result;
    const number = koffi.errno();
    const code = names.get(number) ?? `E${number}`;
    if (tolerated.includes(code)) return undefined;
    const where = path === undefined ? "" : ` '${path}'`;
    throw Object.assign(new Error(`${code}: ${syscall}${where}`), {
      code,
      errno: -number,
      syscall,
      ...(path === undefined ? {} : { path: path.toString() }),
    });
  };
  return check as Check;
}

function terminated(path: PathArgument): Buffer {
  const bytes = typeof path === "string" ? Buffer.from(path) : path;
  if (bytes.includes(0)) {
    throw Object.assign(new Error(`EINVAL: path contains a NUL byte`), {
      code: "EINVAL",
      path: path.toString(),
    });
  }
  return Buffer.concat([bytes, Buffer.of(0)]);
}

function bindPath(name: string, call: Call, check: Check) {
  return (path: PathArgument, ...values: number[]) => {
    check(call(terminated(path), ...values), name, path);
  };
}

function bindFlock(call: Call, check: Check): Libc["flock"] {
  return (fd, kind, nonblock = false) => {
    const operation = LOCK[kind] | (nonblock ? LOCK_NB : 0);
    for (;;) {
      const result = check(call(fd, operation), "flock", undefined, ["EAGAIN", "EWOULDBLOCK", "EINTR"]);
      if (result !== undefined) return true;
      if (nonblock) return false;
    }
  };
}

const MNT_DETACH = 2;

function bindMounts(declare: (prototype: string) => Call, check: Check): Pick<Libc, "mount" | "unmount"> {
  const mount = declare(
    "int mount(const char *source, const void *target, const char *type, unsigned long flags, const char *data)",
  );
  const unmount = declare("int umount2(const void *target, int flags)");
  return {
    mount: (source, target, type, data) => {
      check(mount(source, terminated(target), type, 0, data), "mount", target);
    },
    unmount: (target, lazily = false) => {
      check(unmount(terminated(target), lazily ? MNT_DETACH : 0), "umount2", target);
    },
  };
}

const F_DUPFD_CLOEXEC = 1030;

function bindDup(call: Call, check: Check): Libc["dup"] {
  return (fd) => check(call(fd, F_DUPFD_CLOEXEC, 3), "fcntl");
}

type XattrCalls = Pick<Libc, "lgetxattr" | "lsetxattr" | "llistxattr" | "flistxattr" | "lremovexattr">;

function bindXattrs(declare: (prototype: string) => Call, check: Check): XattrCalls {
  const get = declare("long lgetxattr(const void *path, const char *name, void *value, size_t size)");
  const set = declare(
    "int lsetxattr(const void *path, const char *name, const void *value, size_t size, int flags)",
  );
  const list = declare("long llistxattr(const void *path, void *list, size_t size)");
  const listOpen = declare("long flistxattr(int fd, void *list, size_t size)");
  const remove = declare("int lremovexattr(const void *path, const char *name)");
  return {
    lgetxattr: (path, name) => {
      const at = terminated(path);
      return readGrowing((buffer) =>
        check(get(at, name, buffer, buffer.length), "lgetxattr", path, [
          "ENODATA",
          "ENOTSUP",
          "EOPNOTSUPP",
          "ERANGE",
        ]),
      );
    },
    lsetxattr: (path, name, value) => {
      check(set(terminated(path), name, value, value.length, 0), "lsetxattr", path);
    },
    llistxattr: (path) => {
      const at = terminated(path);
      return names((buffer) => check(list(at, buffer, buffer.length), "llistxattr", path, NO_LIST));
    },
    flistxattr: (fd) =>
      names((buffer) =>
        check(listOpen(fd, buffer, buffer.length), "flistxattr", `descriptor ${fd}`, NO_LIST),
      ),
    lremovexattr: (path, name) => {
      check(remove(terminated(path), name), "lremovexattr", path);
    },
  };
}

const NO_LIST = ["ENOTSUP", "EOPNOTSUPP", "ERANGE"];

function names(read: (buffer: Buffer) => number | undefined): string[] {
  const found = readGrowing(read);
  return found === undefined || found.length === 0 ? [] : found.toString().split("\0").slice(0, -1);
}

/** Values and lists have at most 64 KiB; nearly all fit the first buffer, which saves asking for the size. */
function readGrowing(read: (buffer: Buffer) => number | undefined): Buffer | undefined {
  for (const size of [256, 65536]) {
    const buffer = Buffer.alloc(size);
    const length = read(buffer);
    if (length !== undefined) return buffer.subarray(0, length);
  }
  return undefined;
}

function bindMknod(declare: (prototype: string) => Call, check: Check, number: number): Libc["mknod"] {
  const call = declare(
    "long syscall(long number, int dir, const void *path, uint32_t mode, uint32_t device)",
  );
  return (path, mode, major, minor) => {
    const device = ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
    check(Number(call(number, AT_FDCWD, terminated(path), mode, device)), "mknod", path);
  };
}

function bindReflink(call: Call, check: Check): Libc["reflink"] {
  return (toFd, fromFd) => {
    check(call(toFd, FICLONE, fromFd), "ioctl");
  };
}

function bindRename(declare: (prototype: string) => Call, check: Check, number: number): Libc["rename"] {
  const call = declare(
    "long syscall(long number, int fromDir, const void *from, int toDir, const void *to, uint32_t flags)",
  );
  return (from, to, flag) => {
    const result = call(number, AT_FDCWD, terminated(from), AT_FDCWD, terminated(to), RENAME[flag]);
    check(Number(result), "renameat2", from);
  };
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

function bindSendDatagram(declare: (prototype: string) => Call, check: Check): Libc["sendDatagram"] {
  const socket = declare("int socket(int domain, int type, int protocol)");
  const send = declare(
    "long sendto(int fd, const void *data, size_t size, int flags, const void *address, uint32_t length)",
  );
  const close = declare("int close(int fd)");
  return (address, data) => {
    const fd = check(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
    const name = Buffer.concat([Buffer.of(AF_UNIX, 0), address]);
    try {
      check(Number(send(fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL, name, name.length)), "sendto");
    } finally {
      close(fd);
    }
  };
}

const F_SETFD = 2;

function bindExecve(declare: (prototype: string) => Call, check: Check): Libc["execve"] {
  const setFlags = declare("int fcntl(int fd, int command, int flags)");
  const call = declare("int execve(const char *path, const char **argv, const char **env)");
  return (path, argv, keep) => {
    for (const fd of keep) setFlags(fd, F_SETFD, 0);
    check(call(path, [...argv, null], [null]), "execve", path);
    throw new Error("execve returned");
  };
}

const POLLERR = 8;
const POLLHUP = 16;

function bindHungUp(call: Call, check: Check): Libc["isHungUp"] {
  return (fd) => {
    // struct pollfd: the descriptor, what is asked for (nothing), what is so.
    const asked = Buffer.alloc(8);
    asked.writeInt32LE(fd, 0);
    check(call(asked, 1, 0), "poll");
    return (asked.readInt16LE(6) & (POLLERR | POLLHUP)) !== 0;
  };
}

function bindSyncfs(call: Call, check: Check): Libc["syncfs"] {
  return (fd) => {
    check(call(fd), "syncfs");
  };
}
