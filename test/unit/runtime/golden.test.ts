/**
 * Whole specifications and plans, kept in test/golden: a change of policy shows as a change of these files.
 * After a wanted change: KELP_UPDATE_GOLDEN=1 bun test test/unit/runtime/golden.test.ts, and read the diff.
 */

import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultNetwork, planNetwork } from "../../../src/network/index.ts";
import { configText, lowerExternal, ociConfig } from "../../../src/runtime/index.ts";
import { disassemblePlan } from "../../../src/runtime/plan/disassemble.ts";
import { encodePlan } from "../../../src/runtime/plan/encode.ts";
import type { Context } from "../../../src/state/index.ts";
import { type Case, FACTS, ID, lowerInputOf, PATHS, planOf, SINGLE, specOf } from "./fixture.ts";

const FOLDER = join(import.meta.dirname, "..", "..", "golden");
const TAP = {
  device: "/dev/net/tun",
  name: "tap0",
  mtu: 65520,
  addresses: [{ address: Uint8Array.of(10, 0, 2, 100), prefix: 24 }],
  routes: [
    { destination: new Uint8Array(), prefix: 0, gateway: Uint8Array.of(10, 0, 2, 2), metric: 0 },
    { destination: new Uint8Array(), prefix: 0, gateway: new Uint8Array(16), metric: 0 },
  ],
  settings: [["ipv4/neigh/tap0/app_solicit", "1"]],
} as const;

const update = process.env.KELP_UPDATE_GOLDEN === "1";

const HOST_NAMESPACES = { pid: "host", ipc: "host", uts: "host", cgroup: "host", user: "" };

const CASES: Readonly<Record<string, Case>> = {
  default: {},
  terminal: {
    config: { tty: true, openStdin: true, init: true },
    input: { consoleSize: { height: 24, width: 80 } },
    monitor: { stdin: "open", init: true },
  },
  "user-read-only": {
    config: { readOnly: true, securityOpt: ["no-new-privileges"], capAdd: ["net_raw"], capDrop: ["setuid"] },
    input: { user: { uid: 1000, gid: 1001, groups: [50], home: "/srv/web", name: "web" } },
  },
  mounts: {
    config: {
      mounts: [
        {
          type: "bind",
          source: "/srv/site",
          destination: "/www",
          options: ["ro", "z"],
          origin: "--volume /srv/site:/www:ro,z",
        },
        { type: "bind", source: "/etc/motd", destination: "/etc/motd", options: ["rbind", "rslave"] },
        { type: "bind", source: "/srv/deps", destination: "/cache", options: ["O"] },
        { type: "volume", source: "data", destination: "/data", options: ["nocopy"] },
        { type: "tmpfs", destination: "/www/tmp", options: ["size=1m", "exec"] },
      ],
      devices: ["/dev/fuse"],
    },
    input: {
      volumes: new Map([["data", "/home/u/.local/share/kelp/volumes/data/_data"]]),
      files: { hosts: "/x/hosts", resolvConf: "/x/resolv.conf", containerEnv: "/x/containerenv" },
    },
    lower: {
      fileSources: new Set(["/etc/motd", "/x/hosts", "/x/resolv.conf", "/x/containerenv", "/dev/fuse"]),
    },
  },
  "host-namespaces": { config: { namespaces: HOST_NAMESPACES, network: { ...specNetwork(), mode: "host" } } },
  privileged: { config: { privileged: true }, lower: { seccomp: undefined } },
  "single-id": { lower: { maps: SINGLE, facts: { ...FACTS, singleId: true } } },
  settings: {
    config: {
      sysctls: { "net.ipv4.ip_forward": "1" },
      oomScoreAdj: 500,
      ulimits: [{ name: "core", soft: 1000, hard: -1 }],
      securityOpt: ["mask=/etc/shadow", "unmask=/proc/acpi:/sys/*"],
    },
  },
  network: {
    config: { network: { ...specNetwork(), mode: "bridge" } },
    lower: {
      network: planNetwork(
        { paths: PATHS } as Context,
        [
          {
            network: { ...defaultNetwork(), id: "ab".repeat(32), bridge: "kelp1", internal: true },
            endpoint: {
              network: "ab".repeat(32),
              container: ID,
              interfaceName: "eth0",
              mac: "02:6b:0a:58:00:02",
              ip: "10.88.0.2",
            },
          },
        ],
        {
          plan: {
            lock: "/run/user/1000/kelp/uplink.lock",
            argv: ["/usr/bin/slirp4netns", "tap0"],
            env: [],
            onDemand: true,
            failed: "/run/user/1000/kelp/uplink-failed",
            tap: TAP,
          },
        },
        [{ hostIp: "", hostPort: 8080, containerPort: 80, protocol: "tcp", range: 1 }],
      ),
    },
  },
  "remove-directory": {
    monitor: {
      remove: { trees: ["/c/ID"], files: ["/tmp/cid"], marker: "/run/user/1000/kelp/gone/ID" },
    },
    lower: { rootfs: { kind: "directory", path: "/srv/root", merged: "/c/ID/merged" } },
  },
};

function specNetwork() {
  return {
    mode: "private",
    networks: [],
    ports: [],
    publishAll: false,
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    addHosts: [],
    noHosts: false,
    noHostname: false,
  };
}

function compare(name: string, text: string): void {
  const path = join(FOLDER, name);
  if (update) writeFileSync(path, text);
  expect(existsSync(path) ? readFileSync(path, "utf8") : "").toBe(text);
}

for (const [name, what] of Object.entries(CASES)) {
  test(`${name}: the specification is as written down`, () => {
    compare(`${name}.spec.json`, `${JSON.stringify(specOf(what), null, 2)}\n`);
  });
  test(`${name}: the plan is as written down, and can be encoded`, () => {
    const plan = planOf(what);
    compare(`${name}.plan.txt`, disassemblePlan(plan));
    expect(encodePlan(plan).length).toBeGreaterThan(0);
  });
}

/** The same for an OCI runtime: what it gets, and what happens around it. */
const EXTERNAL: Case = {
  config: {
    tty: true,
    sysctls: { "net.ipv4.ip_forward": "1", "kernel.msgmax": "9000" },
    mounts: [{ type: "bind", source: "/srv/site", destination: "/www", options: ["ro", "U"] }],
    ulimits: [{ name: "core", soft: 1000, hard: -1 }],
  },
  monitor: { tty: true },
};

test("external: config.json is as written down", () => {
  const spec = specOf(EXTERNAL);
  const config = ociConfig({
    spec,
    root: "/c/merged",
    seccomp: undefined,
    singleId: false,
    networkIsReady: true,
  });
  compare("external.config.json", configText(config));
});

test("external: the plan is as written down, and can be encoded", () => {
  const plan = lowerExternal({
    ...lowerInputOf(EXTERNAL),
    runtime: { name: "crun", path: "/usr/bin/crun", flags: ["debug"] },
    place: { id: ID, stateDir: "/run/user/1000/kelp/oci", bundle: `/run/user/1000/kelp/c/${ID}` },
    env: ["PATH=/usr/bin:/bin"],
  });
  compare("external.plan.txt", disassemblePlan(plan));
  expect(encodePlan(plan).length).toBeGreaterThan(0);
});
