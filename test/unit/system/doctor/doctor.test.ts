import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { familyOf, install } from "../../../../src/system/doctor/distribution.ts";
import { DOCTOR_CHECKS, diagnose, isWell } from "../../../../src/system/doctor/doctor.ts";
import type { DoctorFacts } from "../../../../src/system/doctor/facts.ts";
import { mountOf } from "../../../../src/system/doctor/mounts.ts";

const PROBE = {
  kernel: "6.1.0",
  results: {
    openat2: 0,
    open_tree: 0,
    mount_setattr: 0,
    close_range: 0,
    pidfd_open: 0,
    userns: 0,
    binfmt_misc: 0,
  },
  namespaces: true,
  overlay: true,
  overlayData: true,
  cgroup2: true,
  seccompNotify: true,
};

/** A machine on which there is nothing to mend. */
const WELL: DoctorFacts = {
  family: "debian",
  uid: 1000,
  userName: "ann",
  kernel: "6.1.0",
  probe: PROBE,
  ids: {
    count: 65537,
    reason: undefined,
    ranges: { uid: true, gid: true },
    freeFrom: 165536,
    helpers: "ok",
    noNewPrivileges: false,
  },
  devices: { fuse: "ok", tun: "ok" },
  programs: {
    aardvarkDns: { path: "/usr/lib/podman/aardvark-dns", version: "1.4.0" },
    slirp4netns: { path: "/usr/bin/slirp4netns", version: "1.2.0" },
    pasta: { path: "/usr/bin/pasta", version: "", serves: false },
    fuseOverlayfs: undefined,
  },
  libseccomp: true,
  emulation: { registered: [], installed: ["arm64"] },
  cgroup: { unified: true, manager: "systemd", controllers: ["cpu", "cpuset", "io", "memory", "pids"] },
  session: {
    systemd: true,
    manager: true,
    lingers: true,
    lingerCommand: "loginctl enable-linger ann",
    runtimeDirectory: { path: "/run/user/1000/kelp", isUsual: true },
  },
  store: {
    path: "/home/ann/.local/share/kelp",
    type: "ext4",
    flags: ["rw"],
    freeBytes: 1e11,
    freeFiles: 1e6,
    driver: "overlay",
  },
  cache: { path: "/home/ann/.cache/kelp", type: "ext4", flags: ["rw"] },
  firstPort: 80,
  pingGroups: [0, 2147483647],
  inotify: { instances: 1024, watches: 524288 },
  keys: { used: 3, most: 200 },
  openFiles: 1048576,
  clock: { now: 2e9, built: 1.8e9 },
};

type Patch = { readonly [K in keyof DoctorFacts]?: Partial<DoctorFacts[K]> };

function patched(patch: Patch): DoctorFacts {
  const facts: Record<string, unknown> = { ...WELL };
  for (const [name, value] of Object.entries(patch)) {
    const before = facts[name];
    const isRecord = typeof before === "object" && before !== null && !Array.isArray(before);
    facts[name] = isRecord ? { ...before, ...(value as object) } : value;
  }
  return facts as unknown as DoctorFacts;
}

const noSpaces = (results: Record<string, number>) => ({
  probe: { namespaces: false, results: { ...PROBE.results, ...results } },
});
const store = (part: Partial<DoctorFacts["store"]>): Patch => ({ store: part });

/** By check: what is wrong with the machine, how bad that is, and what the finding must name. */
const CASES: readonly (readonly [string, Patch, "problem" | "advice", RegExp])[] = [
  [
    "kernel",
    { probe: { results: { ...PROBE.results, mount_setattr: 38 } } },
    "problem",
    /lacks mount_setattr.*5\.12/s,
  ],
  [
    "user-namespaces",
    noSpaces({ max_user_namespaces: 0 }),
    "problem",
    /switched off.*max_user_namespaces = 15000/s,
  ],
  [
    "user-namespaces",
    noSpaces({ apparmor_restricts_userns: 1 }),
    "problem",
    /AppArmor.*apparmor_restrict_unprivileged_userns = 0/s,
  ],
  ["user-namespaces", noSpaces({ userns: 1 }), "problem", /refuses.*unprivileged_userns_clone = 1/s],
  [
    "subordinate-ids",
    { ids: { ranges: { uid: false, gid: true } } },
    "problem",
    /subuid gives no range to ann.*usermod --add-subuids 165536-231071 --add-subgids 165536-231071 ann/s,
  ],
  ["subordinate-ids", { ids: { ranges: { uid: true, gid: false } } }, "problem", /subgid gives no range/],
  ["subordinate-ids", { ids: { count: 1001 } }, "advice", /1001 ids.*above 1000/s],
  ["id-map-programs", { ids: { helpers: "missing" } }, "problem", /not installed.*apt-get install uidmap/s],
  ["id-map-programs", { ids: { helpers: "unprivileged" } }, "problem", /set-uid.*chmod u\+s/s],
  ["id-map-programs", { ids: { noNewPrivileges: true } }, "problem", /no_new_privs/],
  ["overlay", { probe: { overlay: false } }, "problem", /apt-get install fuse-overlayfs/],
  ["overlay", { probe: { overlay: false }, devices: { fuse: "denied" } }, "problem", /chmod 666 \/dev\/fuse/],
  [
    "overlay",
    { probe: { overlay: false }, programs: { fuseOverlayfs: { path: "/x", version: "" } } },
    "advice",
    /slower/,
  ],
  ["fuse-device", { devices: { fuse: "missing" } }, "advice", /is missing.*modprobe fuse/s],
  ["fuse-device", { devices: { fuse: "denied" } }, "advice", /cannot be opened.*chmod 666/s],
  ["seccomp", { libseccomp: false }, "advice", /apt-get install libseccomp2/],
  ["store-filesystem", store({ type: "nfs4" }), "problem", /nfs4.*--root DIR/s],
  ["store-filesystem", store({ type: "tmpfs" }), "advice", /gone after a reboot/],
  ["store-mount", store({ flags: ["ro"] }), "problem", /read-only.*remount,rw/s],
  ["store-mount", store({ flags: ["rw", "noexec"] }), "advice", /noexec.*in a volume.*remount,exec/s],
  ["store-mount", store({ flags: ["rw", "noexec"], driver: "vfs" }), "problem", /noexec.*remount,exec/s],
  ["store-mount", store({ flags: ["rw", "nosuid"], driver: "vfs" }), "advice", /nosuid.*remount,suid/s],
  ["program-mount", { cache: { flags: ["noexec"] } }, "problem", /holdfast.*XDG_CACHE_HOME/s],
  ["disk-space", store({ freeBytes: 5 << 20 }), "advice", /5 MB are free.*system prune/s],
  ["disk-space", store({ freeFiles: 12 }), "advice", /12 more files/],
  [
    "inotify",
    { inotify: { instances: 128, watches: 8192 } },
    "advice",
    /max_user_instances is 128, fs\.inotify\.max_user_watches is 8192/,
  ],
  ["keys", { keys: { used: 190, most: 200 } }, "advice", /190 of 200.*kernel\.keys\.maxkeys/s],
  ["open-files", { openFiles: 1024 }, "advice", /1024 files.*nofile/s],
  ["cgroup", { cgroup: { unified: false, manager: undefined } }, "advice", /unified_cgroup_hierarchy=1/],
  [
    "cgroup",
    { cgroup: { unified: false, controllers: [] } },
    "advice",
    /version 1 has the controllers.*unified_cgroup_hierarchy=1/s,
  ],
  ["cgroup", { cgroup: { manager: undefined } }, "advice", /logind/],
  ["cgroup", { cgroup: { manager: undefined }, session: { systemd: false } }, "advice", /chown/],
  [
    "cgroup-controllers",
    { cgroup: { controllers: ["cpu", "memory", "pids"] } },
    "advice",
    /cpuset, io.*Delegate=cpu cpuset io memory pids.*user@1000/s,
  ],
  ["cgroup-controllers", { cgroup: { manager: "cgroupfs", controllers: [] } }, "advice", /subtree_control/],
  ["user-session", { session: { manager: false } }, "advice", /cannot be reached.*start user@1000/s],
  ["lingering", { session: { lingers: false } }, "advice", /loginctl enable-linger ann/],
  [
    "runtime-directory",
    { session: { runtimeDirectory: { path: "/tmp/x", isUsual: false } } },
    "advice",
    /\/tmp\/x is used/,
  ],
  [
    "runtime-directory",
    { session: { systemd: false, runtimeDirectory: { path: "/tmp/x", isUsual: false } } },
    "advice",
    /install -d -m 0700 -o 1000/,
  ],
  ["clock", { clock: { now: 1e9 } }, "problem", /behind.*timedatectl/s],
  ["uplink", { programs: { slirp4netns: undefined } }, "problem", /apt-get install slirp4netns/],
  [
    "uplink",
    { programs: { slirp4netns: undefined, pasta: { path: "/x", version: "2026_06_01", serves: true } } },
    "advice",
    /pasta is used in its place/,
  ],
  [
    "uplink",
    { programs: { slirp4netns: { path: "/x", version: "0.4.3" } } },
    "problem",
    /0\.4\.3 is too old/,
  ],
  ["tun-device", { devices: { tun: "missing" } }, "problem", /modprobe tun/],
  ["tun-device", { devices: { tun: "denied" } }, "problem", /chmod 666 \/dev\/net\/tun/],
  ["names", { programs: { aardvarkDns: undefined } }, "advice", /apt-get install aardvark-dns/],
  ["pasta", { programs: { pasta: undefined } }, "advice", /apt-get install passt/],
  ["emulators", { emulation: { installed: [] } }, "advice", /--platform.*apt-get install qemu-user-static/s],
  ["emulators", { probe: { results: { binfmt_misc: 1 } } }, "advice", /Linux 6\.7.*systemd-binfmt/s],
  ["low-ports", { firstPort: 1024 }, "advice", /ip_unprivileged_port_start = 80/],
  ["ping", { pingGroups: [1, 0] as never }, "advice", /ping_group_range = 0 2147483647/],
];

test("a machine on which all is well has no finding", () => {
  const diagnoses = diagnose(WELL);
  expect(diagnoses.flatMap(({ finding }) => finding ?? [])).toEqual([]);
  expect(isWell(diagnoses)).toBe(true);
});

for (const [check, patch, severity, says] of CASES) {
  test(`${check}: ${says.source.slice(0, 50)}`, () => {
    const diagnoses = diagnose(patched(patch));
    const finding = diagnoses.find((diagnosis) => diagnosis.check === check)?.finding;
    expect(finding).toMatchObject({ check, severity });
    expect(`${finding?.what}\n${finding?.costs}\n${finding?.fix.join("\n")}`).toMatch(says);
    expect(finding?.fix.length).toBeGreaterThan(0);
    expect(isWell(diagnoses)).toBe(diagnoses.every((one) => one.finding?.severity !== "problem"));
  });
}

test("every check has a case here, and a name of its own", () => {
  const names = DOCTOR_CHECKS.map(({ name }) => name);
  expect([...new Set(CASES.map(([check]) => check))].sort()).toEqual([...names].sort());
  expect(new Set(names).size).toBe(names.length);
});

test("errors elsewhere name checks that there are", () => {
  const source = join(import.meta.dirname, "..", "..", "..", "..", "src");
  const texts = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.includes("commands/"))
    .map((path) => readFileSync(join(source, path), "utf8"));
  const named = texts.flatMap((text) => [...text.matchAll(/kelp doctor ([a-z]+(?:-[a-z]+)*)[)"`;]/g)]);
  const known = DOCTOR_CHECKS.map(({ name }) => name);
  expect(named.length).toBeGreaterThan(8);
  expect(named.map(([, name]) => name).filter((name) => !known.includes(name!))).toEqual([]);
});

test("root is not told of what only users lack", () => {
  const facts = patched({
    uid: 0 as never,
    session: { manager: false, lingers: false },
    ids: { ranges: { uid: false, gid: false }, helpers: "missing" },
    firstPort: 1024 as never,
  });
  expect(diagnose(facts).flatMap(({ finding }) => finding ?? [])).toEqual([]);
});

describe("a distribution", () => {
  test("is known by its own name or by what it is like", () => {
    expect(familyOf('ID=debian\nVERSION_ID="12"')).toBe("debian");
    expect(familyOf('ID=linuxmint\nID_LIKE="ubuntu debian"')).toBe("debian");
    expect(familyOf('ID="rocky"\nID_LIKE="rhel centos fedora"')).toBe("fedora");
    expect(familyOf("ID=manjaro\nID_LIKE=arch")).toBe("arch");
    expect(familyOf('ID="opensuse-tumbleweed"')).toBe("suse");
    expect(familyOf("ID=alpine")).toBe("alpine");
    expect(familyOf("ID=plan9")).toBe("other");
  });

  test("has its own command and package", () => {
    const commands = (["debian", "fedora", "arch", "alpine", "suse", "other"] as const).map((family) =>
      install(family, "newuidmap"),
    );
    expect(commands).toEqual([
      "sudo apt-get install uidmap",
      "sudo dnf install shadow-utils",
      "sudo pacman -S shadow",
      "sudo apk add shadow-subids",
      "sudo zypper install shadow",
      "install newuidmap with your distribution's package manager",
    ]);
  });
});

test("the mount of a path is the deepest, and of two on one place the later", () => {
  const text = [
    "20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw",
    "21 20 0:5 / /home rw,nosuid,nodev - xfs /dev/sdb rw",
    "22 21 0:6 / /home rw,noexec - btrfs /dev/sdc rw",
    "23 20 0:7 / /a\\040b ro - nfs4 host:/x rw",
    "24 20 0:8 / /homer rw - tmpfs x rw",
  ].join("\n");
  expect(mountOf(text, "/home/ann/store")).toEqual({ type: "btrfs", flags: ["rw", "noexec"] });
  expect(mountOf(text, "/a b/c")).toEqual({ type: "nfs4", flags: ["ro"] });
  expect(mountOf(text, "/etc")).toEqual({ type: "ext4", flags: ["rw", "relatime"] });
});
