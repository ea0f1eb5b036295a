/**
 * What a container may ask the kernel for: kelp's own table of system calls.
 *
 * It starts from what podman's default profile lets through, so that what runs there runs here, and takes away
 * what a container of a user has no honest use for and exploits have: nested user namespaces, the mount calls,
 * keyrings, io_uring, bpf and the rest of attacks that need them. Three answers:
 *
 *   allowed   everything in ALLOWED, under the conditions of CONDITIONS
 *   EPERM     in REFUSED, and in UNLOCKED without the capability: programs take it for the lack of a privilege
 *   ENOSYS    everything else, also calls newer than this table and clone3, whose flags lie behind a pointer:
 *             C libraries then fall back to the older call, which EPERM would keep them from
 */

const words = (text: string) => text.trim().split(/\s+/);

/** By topic; names that an architecture lacks do not matter there. */
export const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  files: words(`
    access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
    fadvise64 fadvise64_64 arm_fadvise64_64 fallocate fchdir fchmod fchmodat fchown fchown32 fchownat fcntl fcntl64
    fdatasync flock fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents
    getdents64 ioctl lchown lchown32 link linkat _llseek lseek lstat lstat64 mkdir mkdirat mknod mknodat
    name_to_handle_at newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read
    readahead readdir readlink readlinkat readv rename renameat renameat2 rmdir sendfile sendfile64 splice stat stat64
    statfs statfs64 statx symlink symlinkat sync sync_file_range sync_file_range2 arm_sync_file_range syncfs tee
    truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes write writev`),
  attributes: words(`
    fgetxattr flistxattr fremovexattr fsetxattr getxattr lgetxattr listxattr llistxattr lremovexattr lsetxattr
    removexattr setxattr`),
  watching: words(`
    epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
    eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch _newselect poll ppoll
    ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4`),
  asynchronous: words(
    "io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit",
  ),
  memory: words(`
    brk get_mempolicy madvise mbind membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2
    mprotect mremap msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages set_mempolicy`),
  processes: words(`
    arch_prctl breakpoint cacheflush capget capset clone execve execveat exit exit_group fork get_robust_list
    get_thread_area getcpu getpgid getpgrp getpid getppid getpriority getrlimit getrusage getsid gettid
    ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self modify_ldt
    personality pidfd_getfd pidfd_open pidfd_send_signal prctl prlimit64 process_mrelease ptrace restart_syscall rseq
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
    sched_setscheduler sched_yield seccomp set_robust_list set_thread_area set_tid_address set_tls setpgid setpriority
    setrlimit setsid sysinfo tgkill times tkill ugetrlimit uname unshare vfork wait4 waitid waitpid`),
  identity: words(`
    getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32 getresuid
    getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32
    setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32`),
  signals: words(`
    alarm pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
    rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaction sigaltstack signal sigpending sigprocmask sigreturn
    sigsuspend`),
  time: words(`
    adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
    clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete
    timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd timerfd_create
    timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64`),
  communication: words(`
    accept accept4 bind connect futex futex_time64 futex_waitv getpeername getrandom getsockname getsockopt ipc listen
    mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink
    msgctl msgget msgrcv msgsnd recv recvfrom recvmmsg recvmmsg_time64 recvmsg semctl semget semop semtimedop
    semtimedop_time64 send sendmmsg sendmsg sendto setsockopt shmat shmctl shmdt shmget shutdown socket socketpair`),
};

/**
 * Newer than the libseccomp that generates the filter may be, so by number, which is the same on every
 * architecture since 5.1. Allowed on the machine's own architecture only.
 */
export const ALLOWED_NEW: Readonly<Record<string, number>> = {
  set_mempolicy_home_node: 450,
  cachestat: 451,
  fchmodat2: 452,
  map_shadow_stack: 453,
  futex_wake: 454,
  futex_wait: 455,
  futex_requeue: 456,
  lsm_get_self_attr: 459,
  lsm_list_modules: 461,
  mseal: 462,
  setxattrat: 463,
  getxattrat: 464,
  listxattrat: 465,
  removexattrat: 466,
  file_getattr: 468,
  file_setattr: 469,
};

/** Never, whatever the capabilities. */
export const REFUSED: readonly string[] = words(`
  add_key bdflush io_uring_enter io_uring_register io_uring_setup kexec_file_load kexec_load keyctl migrate_pages
  move_pages nfsservctl nice oldfstat oldlstat oldolduname oldstat olduname pciconfig_iobase pciconfig_read
  pciconfig_write request_key sgetmask ssetmask swapcontext swapoff swapon sysfs uselib userfaultfd ustat vm86 vm86old
  vmsplice`);

/** Only for who was given the capability; the kernel asks for it again. */
export const UNLOCKED: Readonly<Record<string, readonly string[]>> = {
  CAP_DAC_READ_SEARCH: words("open_by_handle_at"),
  CAP_SYS_ADMIN: words(`
    bpf clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree
    perf_event_open pivot_root quotactl quotactl_fd setdomainname sethostname setns umount umount2`),
  CAP_SYS_BOOT: words("reboot"),
  CAP_SYS_CHROOT: words("chroot"),
  CAP_SYS_MODULE: words("delete_module finit_module init_module query_module"),
  CAP_SYS_PACCT: words("acct"),
  CAP_SYS_PTRACE: words("kcmp process_madvise process_vm_readv process_vm_writev"),
  CAP_SYS_RAWIO: words("ioperm iopl"),
  CAP_SYS_TIME: words("clock_settime clock_settime64 settimeofday stime"),
  CAP_SYS_TTY_CONFIG: words("vhangup"),
  CAP_SYSLOG: words("syslog"),
};

/** Locked calls whose callers must see ENOSYS to fall back to an older one. */
export const LOCKED_WITH_ENOSYS: readonly string[] = ["clone3"];

export const EPERM = 1;
export const EINVAL = 22;
export const ENOSYS = 38;
export const EAFNOSUPPORT = 97;

/** A demand on the low 32 bits of an argument, which are all the kernel looks at in these calls. */
export interface Condition {
  readonly call: string;
  readonly arg: number;
  /** `oneOf`: the value is listed; `noneOf`: it is not; `noBits`: it has none of the bits. */
  readonly demand: "oneOf" | "noneOf" | "noBits";
  readonly values: readonly number[];
  /** The answer where the demand is not met. */
  readonly errno: number;
  /** With `oneOf`: where the argument has this value of the list, another one must not have that. */
  readonly pair?: {
    readonly value: number;
    readonly arg: number;
    readonly not: number;
    readonly errno: number;
  };
  /** Does not apply to who has this capability. */
  readonly unless?: string;
}

const AF = { unix: 1, inet: 2, inet6: 10, netlink: 16, packet: 17 };
/** NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NAMESPACE_BITS = 0x7e020000;
const NEWTIME_BIT = 0x80;
/** Put words into a terminal's input (TIOCSTI), or drive a virtual console (TIOCLINUX). */
const TYPING_IOCTLS = [0x5412, 0x541c];
/** PER_LINUX, PER_LINUX32, both with UNAME26, and the question which it is. */
const PERSONALITIES = [0, 8, 0x20000, 0x20008, 0xffffffff];

/** Socket families are an allowlist: AF_ALG, VSOCK, RXRPC, KEY, XDP, TIPC, CAN and those to come have been ways out. */
const FAMILIES = [AF.unix, AF.inet, AF.inet6, AF.netlink];

/** The kernel's audit (protocol NETLINK_AUDIT); EINVAL is what its library takes for a kernel without one. */
const AUDIT_SOCKET = { value: AF.netlink, arg: 2, not: 9, errno: EINVAL };

/** The conditions for a set of capabilities. */
export function conditions(capabilities: ReadonlySet<string>): Condition[] {
  const families = capabilities.has("CAP_NET_RAW") ? [...FAMILIES, AF.packet] : FAMILIES;
  const all: Condition[] = [
    {
      call: "socket",
      arg: 0,
      demand: "oneOf",
      values: families,
      errno: EAFNOSUPPORT,
      ...(capabilities.has("CAP_AUDIT_WRITE") ? {} : { pair: AUDIT_SOCKET }),
    },
    { call: "socketpair", arg: 0, demand: "oneOf", values: families, errno: EAFNOSUPPORT },
    { call: "ioctl", arg: 1, demand: "noneOf", values: TYPING_IOCTLS, errno: EPERM },
    { call: "personality", arg: 0, demand: "oneOf", values: PERSONALITIES, errno: EPERM },
    {
      call: "clone",
      arg: 0,
      demand: "noBits",
      values: [NAMESPACE_BITS],
      errno: EPERM,
      unless: "CAP_SYS_ADMIN",
    },
    {
      call: "unshare",
      arg: 0,
      demand: "noBits",
      values: [NAMESPACE_BITS | NEWTIME_BIT],
      errno: EPERM,
      unless: "CAP_SYS_ADMIN",
    },
  ];
  return all.filter(({ unless }) => unless === undefined || !capabilities.has(unless));
}

/** Allowed and refused names for a set of capabilities; in neither: ENOSYS. */
export function verdicts(capabilities: ReadonlySet<string>): { allowed: string[]; refused: string[] } {
  const allowed = Object.values(ALLOWED).flat();
  const refused = [...REFUSED];
  for (const [capability, names] of Object.entries(UNLOCKED)) {
    if (capabilities.has(capability)) allowed.push(...names);
    else refused.push(...names.filter((name) => !LOCKED_WITH_ENOSYS.includes(name)));
  }
  return { allowed, refused };
}

const UNLOCK_SOCKETS: ReadonlySet<string> = new Set(["CAP_NET_RAW", "CAP_AUDIT_WRITE"]);

/** Capabilities that change the filter when they are added. */
export function unlockingCapabilities(capabilities: readonly string[]): string[] {
  return capabilities.filter((name) => name in UNLOCKED || UNLOCK_SOCKETS.has(name)).sort();
}
