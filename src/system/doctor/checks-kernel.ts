/** The kernel, user namespaces, ids, and what root filesystems are mounted with. */
import { install, sysctl } from "./distribution.ts";
import type { DoctorFacts } from "./facts.ts";
import { advice, type Check, problem } from "./finding.ts";

/** Calls without which nothing works, and the kernel that has them all. */
const NEEDED = ["openat2", "open_tree", "mount_setattr", "close_range", "pidfd_open"];
const OLDEST_KERNEL = "5.12";
/** Ids that images use: those of ordinary packages, and nobody's. */
const ENOUGH_IDS = 65_536;

function userNamespaces({ probe }: DoctorFacts) {
  if (probe.namespaces) return undefined;
  const costs = "no container runs";
  if (probe.results.max_user_namespaces === 0)
    return problem("user namespaces are switched off", costs, ...sysctl("user.max_user_namespaces", "15000"));
  if (probe.results.apparmor_restricts_userns === 1)
    return problem(
      "AppArmor keeps user namespaces from programs that have no profile",
      costs,
      ...sysctl("kernel.apparmor_restrict_unprivileged_userns", "0"),
    );
  return problem(
    "the kernel refuses user namespaces to this user (a sysctl, or the sandbox that this shell is in)",
    costs,
    ...sysctl("kernel.unprivileged_userns_clone", "1"),
  );
}

function subordinateIds({ ids, userName, uid }: DoctorFacts) {
  if (uid === 0) return undefined;
  const user = userName || String(uid);
  // A range that somebody else has is of no use: both could reach each other's files, so neither gets it.
  const range = `${ids.freeFrom}-${ids.freeFrom + ENOUGH_IDS - 1}`;
  const give = `sudo usermod --add-subuids ${range} --add-subgids ${range} ${user}`;
  if (!ids.ranges.uid || !ids.ranges.gid)
    return problem(
      `/etc/sub${ids.ranges.uid ? "gid" : "uid"} gives no range to ${user}`,
      "containers have one user only: images whose files belong to several do not unpack as they should",
      give,
    );
  if (ids.count > 1 && ids.count < ENOUGH_IDS)
    return advice(
      `${user} has ${ids.count} ids for containers`,
      `users of an image with an id above ${ids.count - 1} cannot be had`,
      give,
    );
  return undefined;
}

function idMapPrograms({ ids, family, uid }: DoctorFacts) {
  if (uid === 0) return undefined;
  const costs =
    "containers have one user only: images whose files belong to several do not unpack as they should";
  if (ids.noNewPrivileges)
    return problem(
      "this process may not gain privileges (no_new_privs)",
      costs,
      "run kelp outside of this sandbox",
    );
  if (ids.helpers === "missing")
    return problem("newuidmap and newgidmap are not installed", costs, install(family, "newuidmap"));
  if (ids.helpers === "unprivileged")
    return problem(
      "newuidmap or newgidmap has neither the set-uid bit nor the file capability that lets it work",
      costs,
      "sudo chmod u+s $(command -v newuidmap newgidmap)",
    );
  return undefined;
}

function overlay({ probe, devices, programs, family, store }: DoctorFacts) {
  if (!probe.namespaces || probe.overlay) return undefined;
  const what = `the kernel does not mount overlays on ${store.path} (${store.type})`;
  if (devices.fuse === "ok" && programs.fuseOverlayfs !== undefined)
    return advice(
      `${what}; fuse-overlayfs does`,
      "files of containers are slower",
      "put the store on ext4, xfs or btrfs: kelp --root DIR",
    );
  const fuse = devices.fuse === "ok" ? [install(family, "fuse-overlayfs")] : fuseFix(devices.fuse);
  return problem(what, "every container is a copy of its image, which takes time and room", ...fuse);
}

function fuseFix(state: "missing" | "denied" | "ok"): string[] {
  return state === "missing" ? ["sudo modprobe fuse"] : ["sudo chmod 666 /dev/fuse"];
}

function emulators({ emulation: { registered, installed }, probe, family }: DoctorFacts) {
  const costs = "images for other architectures (--platform) do not run";
  if (registered.length > 0) return undefined;
  if (installed.length === 0)
    return advice(
      "no emulator for programs of other architectures is installed",
      costs,
      install(family, "qemu-user-static"),
    );
  if (probe.results.binfmt_misc === 0) return undefined;
  return advice(
    "the kernel takes emulators from root only (from users as well since Linux 6.7)",
    costs,
    "sudo systemctl restart systemd-binfmt",
  );
}

export const KERNEL_CHECKS: readonly Check[] = [
  {
    name: "kernel",
    about: "the kernel is new enough",
    look: ({ probe, kernel }) => {
      const missing = NEEDED.filter((name) => probe.results[name] !== 0);
      if (missing.length === 0) return undefined;
      const what = `kernel ${kernel} lacks ${missing.join(", ")}`;
      return problem(what, "no container runs", `update to Linux ${OLDEST_KERNEL} or later`);
    },
  },
  { name: "user-namespaces", about: "user namespaces can be made", look: userNamespaces },
  { name: "subordinate-ids", about: "the user has ids to give to containers", look: subordinateIds },
  { name: "id-map-programs", about: "newuidmap and newgidmap can do their work", look: idMapPrograms },
  { name: "overlay", about: "root filesystems are put together by the kernel", look: overlay },
  {
    name: "fuse-device",
    about: "/dev/fuse can be opened",
    look: ({ devices }) =>
      devices.fuse === "ok"
        ? undefined
        : advice(
            `/dev/fuse ${devices.fuse === "missing" ? "is missing" : "cannot be opened"}`,
            "no fuse-overlayfs where the kernel's overlay does not work, and no fuse file systems in containers",
            ...fuseFix(devices.fuse),
          ),
  },
  {
    name: "seccomp",
    about: "libseccomp is there for profiles other than the default",
    look: ({ libseccomp, family }) =>
      libseccomp
        ? undefined
        : advice(
            "libseccomp is not installed",
            "--security-opt seccomp=FILE is refused, and added capabilities get the stricter default profile",
            install(family, "libseccomp"),
          ),
  },
  {
    name: "emulators",
    about: "programs of other architectures run",
    look: emulators,
  },
];
