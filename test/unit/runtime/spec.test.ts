import { describe, expect, test } from "bun:test";
import { parseLimits } from "../../../src/runtime/facts.ts";
import { capabilityMask } from "../../../src/runtime/spec-capabilities.ts";
import { parseDevice } from "../../../src/runtime/spec-devices.ts";
import { type Case, FACTS, ID, specOf } from "./fixture.ts";

const config = (what: Case["config"]) => specOf({ config: what! });
const capabilities = (what: Case["config"], uid = 0) =>
  specOf({ config: what!, input: { user: { uid, gid: uid, groups: [], home: "/" } } }).process.capabilities;
const namespaces = { pid: "private", ipc: "private", uts: "private", cgroup: "private", user: "" };
const mount = (destination: string, what: Case["config"] = {}) =>
  config(what).mounts.find((entry) => entry.destination === destination);

describe("capabilities", () => {
  test("root has podman's eleven, nothing inheritable, nothing ambient", () => {
    const sets = capabilities({});
    expect(capabilityMask(sets.bounding, 40)).toBe(0x800405fbn);
    expect(sets.effective).toEqual(sets.bounding);
    expect([...sets.inheritable, ...sets.ambient]).toEqual([]);
  });

  test("another user has none, not even with --privileged, but those added by name", () => {
    expect(capabilities({}, 1000)).toMatchObject({ effective: [], permitted: [], ambient: [] });
    expect(capabilities({ privileged: true }, 1000)).toMatchObject({ effective: [], ambient: [] });
    expect(capabilities({ capAdd: ["net_raw"] }, 1000)).toMatchObject({
      effective: ["CAP_NET_RAW"],
      ambient: ["CAP_NET_RAW"],
    });
  });

  test("ALL adds and drops everything, and single names go against it", () => {
    expect(capabilities({ capAdd: ["all"] }).bounding).toHaveLength(41);
    expect(capabilities({ capDrop: ["ALL"] }).bounding).toEqual([]);
    expect(capabilities({ capDrop: ["ALL"], capAdd: ["CAP_CHOWN"] }).bounding).toEqual(["CAP_CHOWN"]);
    expect(capabilities({ capAdd: ["ALL"], capDrop: ["sys_admin"] }).bounding).not.toContain("CAP_SYS_ADMIN");
  });

  test("unknown names and contradictions are refused", () => {
    expect(() => capabilities({ capAdd: ["FLY"] })).toThrow("unknown capability");
    expect(() => capabilities({ capAdd: ["chown"], capDrop: ["CHOWN"] })).toThrow(
      "cannot be dropped and added",
    );
  });

  test("names this kernel lacks are left out of the mask", () => {
    expect(capabilityMask(["CAP_CHOWN", "CAP_BPF"], 38)).toBe(1n);
  });
});

describe("the environment", () => {
  test("has HOME and the host name unless they are given", () => {
    expect(config({}).process.env).toEqual([
      "PATH=/usr/bin:/bin",
      "container=podman",
      "HOME=/root",
      `HOSTNAME=${ID.slice(0, 12)}`,
    ]);
    expect(config({ env: ["HOME=/x", "HOSTNAME=y"] }).process.env).toEqual(["HOME=/x", "HOSTNAME=y"]);
  });
});

describe("mounts", () => {
  test("in or on /proc are refused", () => {
    for (const destination of ["/proc", "/proc/sys"]) {
      const mounts = [{ type: "tmpfs", destination, options: [] }] as const;
      expect(() => config({ mounts })).toThrow("nothing can be mounted on or in /proc");
    }
  });

  test("of the user take the place of standard ones and of what lies beneath", () => {
    const mounts = [{ type: "bind", source: "/dev", destination: "/dev", options: ["rbind"] }] as const;
    const places = config({ mounts }).mounts.map((entry) => entry.destination);
    expect(places.filter((place) => place.startsWith("/dev"))).toEqual(["/dev"]);
  });

  test("are made from the top down", () => {
    const tmpfs = (destination: string) => ({ type: "tmpfs", destination, options: [] }) as const;
    const places = config({ mounts: [tmpfs("/a/b/c"), tmpfs("/a"), tmpfs("/a/b")] }).mounts.map(
      (entry) => entry.destination,
    );
    expect(places.slice(-3)).toEqual(["/a", "/a/b", "/a/b/c"]);
  });

  test("are nosuid and nodev unless asked otherwise", () => {
    const bind = (options: string[]) =>
      mount("/m", { mounts: [{ type: "bind", source: "/s", destination: "/m", options }] });
    expect(bind([])?.options).toEqual(["rbind", "nosuid", "nodev"]);
    expect(bind(["suid", "ro"])?.options).toEqual(["rbind", "ro", "nodev"]);
  });

  test("that are not there yet are refused, not ignored", () => {
    const bind = (option: string) => () =>
      config({
        mounts: [
          { type: "bind", source: "/s", destination: "/m", options: [option], origin: "--volume /s:/m" },
        ],
      });
    expect(bind("idmap=uids=0-1-2")).toThrow("option idmap");
  });

  test("a read-only container keeps writable places unless told not to", () => {
    expect(mount("/tmp", { readOnly: true })).toMatchObject({ type: "tmpfs" });
    expect(mount("/tmp", { readOnly: true, readOnlyTmpfs: false })).toBeUndefined();
    expect(mount("/dev", { readOnly: true, readOnlyTmpfs: false })?.options).toContain("ro");
    expect(mount("/tmp", {})).toBeUndefined();
  });

  test("/sys is the kernel's own only beside a network of one's own, and read-only in any case", () => {
    expect(mount("/sys")).toMatchObject({ type: "sysfs" });
    const host = mount("/sys", { network: { ...specNetwork("host") } });
    expect(host).toMatchObject({ type: "bind" });
    expect(host?.options).toContain("ro");
    expect(mount("/sys/fs/cgroup", { namespaces: { ...namespaces, cgroup: "host" } })?.options).toContain(
      "ro",
    );
  });
});

describe("limits", () => {
  test("the defaults are lowered to the host's, numbers asked for are not", () => {
    const rlimits = config({ ulimits: [{ name: "core", soft: 5, hard: -1 }] }).process.rlimits;
    expect(rlimits).toContainEqual({ type: "RLIMIT_NOFILE", soft: 524288, hard: 524288 });
    expect(rlimits).toContainEqual({ type: "RLIMIT_CORE", soft: 5, hard: -1 });
  });

  test("are read from /proc as the kernel writes them", () => {
    const text =
      "Limit                     Soft Limit           Hard Limit           Units     \n" +
      "Max cpu time              unlimited            unlimited            seconds   \n" +
      "Max open files            1024                 524288               files     \n";
    expect(parseLimits(text)).toEqual({ RLIMIT_CPU: -1, RLIMIT_NOFILE: 524288 });
  });

  test("an OOM score below the caller's is raised to it", () => {
    const facts = { ...FACTS, oomScoreAdj: 200 };
    expect(specOf({ config: { oomScoreAdj: -1000 }, input: { facts } }).process.oomScoreAdj).toBe(200);
  });

  test("only settings of the container's own namespaces can be set", () => {
    expect(() => config({ sysctls: { "kernel.pid_max": "1" } })).toThrow("not allowed");
    expect(() => config({ sysctls: { "net/../kernel/pid_max": "1" } })).toThrow("not allowed");
    expect(() => config({ sysctls: { "net.core.somaxconn": "1" }, network: specNetwork("host") })).toThrow(
      "Namespace set to host",
    );
    expect(config({ sysctls: { "net.core.somaxconn": "1" } }).linux.sysctl).toEqual({
      "net.core.somaxconn": "1",
    });
  });
});

describe("--security-opt", () => {
  test("unmask opens paths and patterns, ALL opens everything", () => {
    expect(config({ securityOpt: ["unmask=/proc/acpi:/sys/*"] }).linux.maskedPaths).not.toContain(
      "/sys/firmware",
    );
    expect(config({ securityOpt: ["unmask=ALL"] }).linux).toMatchObject({
      maskedPaths: [],
      readonlyPaths: [],
    });
  });

  test("a confinement that kelp does not have is refused, one that is turned off is accepted", () => {
    expect(() => config({ securityOpt: ["apparmor=strict"] })).toThrow("cannot honour");
    expect(() => config({ securityOpt: ["label=type:x_t"] })).toThrow("cannot honour");
    expect(() => config({ securityOpt: ["label=disable", "apparmor:unconfined"] })).not.toThrow();
  });

  test("no-new-privileges has podman's spellings", () => {
    for (const word of ["no-new-privileges", "no-new-privileges=true", "no-new-privileges:true"])
      expect(config({ securityOpt: [word] }).process.noNewPrivileges).toBe(true);
    expect(config({ securityOpt: ["no-new-privileges=false"] }).process.noNewPrivileges).toBe(false);
  });
});

test("a device may have another name and access words", () => {
  expect(parseDevice("/dev/fuse")).toEqual({ source: "/dev/fuse", destination: "/dev/fuse", access: "rwm" });
  expect(parseDevice("/dev/fuse:rw")).toEqual({
    source: "/dev/fuse",
    destination: "/dev/fuse",
    access: "rw",
  });
  expect(parseDevice("/dev/a:/dev/b:r")).toEqual({ source: "/dev/a", destination: "/dev/b", access: "r" });
  for (const bad of ["fuse", "/dev/a:/dev/b:x", "/dev/a:b", "/a:/b:r:r"])
    expect(() => parseDevice(bad)).toThrow("invalid device");
});

function specNetwork(mode: string) {
  const none = { networks: [], ports: [], dns: [], dnsSearch: [], dnsOptions: [], addHosts: [] };
  return { mode, publishAll: false, noHosts: false, noHostname: false, ...none };
}
