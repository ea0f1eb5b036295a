/** Where the store is, and the kernel's quotas that many containers run into. */
import { sysctl } from "./distribution.ts";
import type { DoctorFacts, MountFacts } from "./facts.ts";
import { advice, type Check, problem } from "./finding.ts";

const REMOTE = /^(nfs|nfs4|cifs|smb3|ceph|afs|fuse\.sshfs|9p|virtiofs)$/;
const LITTLE_BYTES = 1 << 30;
const LITTLE_FILES = 20_000;
/** Each container with an init, a watcher or an editor takes some. */
const FEW_INSTANCES = 256;
const FEW_WATCHES = 65_536;
const FEW_FILES = 4096;

function filesystem({ store }: DoctorFacts) {
  if (REMOTE.test(store.type))
    return problem(
      `${store.path} is on ${store.type}, a file system of another machine`,
      "the database's locks may not hold, and files of subordinate ids cannot be made",
      "put the store on a local disk: kelp --root DIR, or [storage] root in kelp.toml",
    );
  if (store.type === "tmpfs" || store.type === "ramfs")
    return advice(
      `${store.path} is on ${store.type}`,
      "images, volumes and containers are gone after a reboot, and take memory",
      "put the store on a disk: kelp --root DIR, or [storage] root in kelp.toml",
    );
  return undefined;
}

const remount = ({ path }: MountFacts, option: string) =>
  `sudo mount -o remount,${option} $(findmnt -n -o TARGET -T ${path}), and the same in /etc/fstab`;

function storeMount({ store }: DoctorFacts) {
  if (store.flags.includes("ro"))
    return problem(`${store.path} is mounted read-only`, "nothing can be stored", remount(store, "rw"));
  // An overlay has flags of its own; what is shown as it is, has the store's.
  const asItIs = store.driver === "vfs";
  if (store.flags.includes("noexec"))
    return asItIs
      ? problem(`${store.path} is mounted noexec`, "no program of an image runs", remount(store, "exec"))
      : advice(`${store.path} is mounted noexec`, "no program in a volume runs", remount(store, "exec"));
  if (store.flags.includes("nosuid") && asItIs)
    return advice(
      `${store.path} is mounted nosuid`,
      "su, sudo and ping in containers do not gain their privileges",
      remount(store, "suid"),
    );
  return undefined;
}

function space({ store }: DoctorFacts) {
  if (store.freeBytes < LITTLE_BYTES)
    return advice(
      `${Math.floor(store.freeBytes / (1 << 20))} MB are free where the store is`,
      "pulls and builds fail soon",
      "kelp system prune --all",
    );
  // Some file systems do not count their files.
  if (store.freeFiles > 0 && store.freeFiles < LITTLE_FILES)
    return advice(
      `${store.freeFiles} more files fit where the store is`,
      "pulls and builds fail soon",
      "kelp system prune --all",
    );
  return undefined;
}

function inotify({ inotify: { instances, watches } }: DoctorFacts) {
  const few = [
    ...(instances < FEW_INSTANCES ? [["fs.inotify.max_user_instances", "1024", instances] as const] : []),
    ...(watches < FEW_WATCHES ? [["fs.inotify.max_user_watches", "524288", watches] as const] : []),
  ];
  if (few.length === 0) return undefined;
  return advice(
    few.map(([name, , value]) => `${name} is ${value}`).join(", "),
    "programs that watch files fail when many containers run",
    `printf '${few.map(([name, value]) => `${name} = ${value}\\n`).join("")}' | sudo tee -a /etc/sysctl.d/60-kelp.conf`,
    "sudo sysctl --system",
  );
}

/** What all others need: the kernel is tried by holdfast. */
export const PROGRAM_MOUNT = {
  name: "program-mount",
  about: "holdfast may run from the cache directory",
  look: ({ cache }: Pick<DoctorFacts, "cache">) =>
    cache.flags.includes("noexec")
      ? problem(
          `${cache.path}, where holdfast is unpacked to, is mounted noexec`,
          "no container runs, and the other checks cannot be made",
          "export XDG_CACHE_HOME=DIR, on a file system that lets programs run",
        )
      : undefined,
} satisfies Check;

export const STORE_CHECKS: readonly Check[] = [
  { name: "store-filesystem", about: "the store is on a disk of this machine", look: filesystem },
  { name: "store-mount", about: "programs of images may run from the store", look: storeMount },
  PROGRAM_MOUNT,
  { name: "disk-space", about: "there is room for images", look: space },
  { name: "inotify", about: "many containers can watch files", look: inotify },
  {
    name: "keys",
    about: "there are keyrings for many containers",
    look: ({ keys }) =>
      keys.most - keys.used > keys.most / 4
        ? undefined
        : advice(
            `${keys.used} of ${keys.most} kernel keys are taken`,
            "containers get no keyring of their own any more, and other programs none at all",
            ...sysctl("kernel.keys.maxkeys", "2000"),
          ),
  },
  {
    name: "open-files",
    about: "programs may open enough files",
    look: ({ openFiles }) =>
      openFiles >= FEW_FILES
        ? undefined
        : advice(
            `a process may open ${openFiles} files at most`,
            "databases and web servers in containers run out of them",
            "raise the hard limit of nofile in /etc/security/limits.conf (or LimitNOFILE= of the unit)",
          ),
  },
];
