/**
 * What `explain` says, kept in test/golden: a change of policy shows as a change of words.
 * After a wanted change: KELP_UPDATE_GOLDEN=1 bun test test/unit/container/explain.test.ts, and read the diff.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Preview } from "../../../src/container/explain/preview.ts";
import { explainPreview } from "../../../src/container/explain/words.ts";
import { UNLOCKED } from "../../../src/runtime/seccomp/rules.ts";
import { refusedGroups, UNLOCKED_WORDS } from "../../../src/runtime/seccomp/words.ts";
import { type Case, FACTS, MAPS, SINGLE, specInput, specOf } from "../runtime/fixture.ts";

const FOLDER = join(import.meta.dirname, "..", "..", "golden");

function preview(what: Case, more: Partial<Preview> = {}): Preview {
  const { config, user } = specInput(what);
  return {
    config,
    spec: specOf(what),
    user,
    image: { name: config.imageName, id: config.image, layers: 2 },
    maps: MAPS,
    facts: FACTS,
    caller: { name: "ada", uid: 1000 },
    refused: [],
    notices: [],
    ...more,
  };
}

const NETWORK = {
  ...specInput().config.network,
  mode: "bridge",
  networks: [{ name: "kelp", ip: "10.88.0.9", aliases: ["www"] }],
  ports: [{ hostIp: "", hostPort: 8080, containerPort: 80, protocol: "tcp" as const, range: 1 }],
};

const CASES: Readonly<Record<string, Preview>> = {
  default: preview({}),
  service: preview(
    {
      config: {
        network: NETWORK,
        mounts: [
          {
            type: "volume",
            source: "data",
            destination: "/data",
            options: ["U"],
            origin: "--volume data:/data:U",
          },
          {
            type: "bind",
            source: "/srv",
            destination: "/srv",
            options: ["ro"],
            origin: "--volume /srv:/srv:ro",
          },
        ],
        resources: { memory: 536870912, cpus: 2 },
        restart: { policy: "always", retries: 0 },
        capDrop: ["all"],
        capAdd: ["net_bind_service"],
        securityOpt: ["no-new-privileges"],
        readOnly: true,
        secrets: [{ name: "token", target: "token", type: "mount", uid: 0, gid: 0, mode: 0o444 }],
        ownIds: {
          uid: [{ container: 0, host: 1, size: 1024 }],
          gid: [{ container: 0, host: 1, size: 1024 }],
        },
        namespaces: { pid: "private", ipc: "shareable", uts: "private", cgroup: "private", user: "auto" },
      },
      input: {
        volumes: new Map([["data", "/home/u/.local/share/kelp/volumes/data/_data"]]),
        user: { uid: 33, gid: 33, groups: [], home: "/", name: "www-data" },
      },
    },
    { refused: ["cannot apply --memory: the cgroup controller memory is not available: not delegated"] },
  ),
  "open-doors": preview(
    {
      config: {
        privileged: true,
        autoRemove: true,
        namespaces: { pid: "host", ipc: "host", uts: "host", cgroup: "host", user: "" },
        network: { ...NETWORK, mode: "host", networks: [], ports: [] },
        cgroups: "disabled",
      },
    },
    { maps: SINGLE, notices: ["only one user id: /etc/subuid gives no range to ada"] },
  ),
};

for (const [name, what] of Object.entries(CASES)) {
  test(`${name}: the words are as written down`, () => {
    const text = explainPreview(what)
      .map(({ title, lines }) => `${title}\n${lines.map((line) => `  ${line}\n`).join("")}`)
      .join("\n");
    const path = join(FOLDER, `${name}.explain.txt`);
    if (process.env.KELP_UPDATE_GOLDEN === "1") writeFileSync(path, text);
    expect(existsSync(path) ? readFileSync(path, "utf8") : "").toBe(text);
  });
}

describe("what the filter refuses", () => {
  test("has words for every capability that unlocks calls", () => {
    expect(Object.keys(UNLOCKED_WORDS).sort()).toEqual(Object.keys(UNLOCKED).sort());
  });

  test("no longer names what a capability allows", () => {
    const before = refusedGroups(new Set());
    const after = refusedGroups(new Set(["CAP_SYS_TIME"]));
    expect(before.filter((words) => !after.includes(words))).toEqual([UNLOCKED_WORDS.CAP_SYS_TIME!]);
  });
});
