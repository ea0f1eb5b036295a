import { describe, expect, test } from "bun:test";
import { lowerExec, makeExecProcess } from "../../../src/runtime/index.ts";
import { RESOLVE } from "../../../src/runtime/kernel.ts";
import { STAGES } from "../../../src/runtime/plan/ops.ts";
import { type Case, FACTS, ID, planOf, specInput, specOf } from "./fixture.ts";

const names = (what: Case = {}) => planOf(what).ops.map((op) => op.op);
const only = <N extends string>(what: Case, name: N) => planOf(what).ops.filter((op) => op.op === name);

describe("a plan", () => {
  test("has its operations in the order of the stages", () => {
    const stages = planOf().ops.map((op) => STAGES.indexOf(op.stage));
    expect(stages).toEqual(stages.toSorted((a, b) => a - b));
  });

  test("executes holdfast again before anything else in the monitor", () => {
    expect(planOf().ops.find((op) => op.stage === "monitor")?.op).toBe("reexecReadOnly");
  });

  test("says of every operation that does something where it comes from", () => {
    const silent = planOf({ config: { tty: true, readOnly: true } }).ops.filter(
      (op) => op.stage !== "config" && op.origin === undefined,
    );
    expect(silent).toEqual([]);
  });

  test("never follows a link in /proc, /sys or /dev, and magic links nowhere", () => {
    for (const op of planOf({ config: { tty: true } }).ops) {
      if (op.op !== "moveMount" && op.op !== "writeAt") continue;
      expect(op.args.resolve & RESOLVE.NO_MAGICLINKS).not.toBe(0n);
      if (op.op === "moveMount" && /^(proc|sys|dev)(\/|$)/.test(op.args.target))
        expect(op.args.resolve & RESOLVE.NO_SYMLINKS).not.toBe(0n);
    }
  });

  test("masks after the last mount of the user", () => {
    const ops = planOf({
      config: { mounts: [{ type: "bind", source: "/s", destination: "/sys/class", options: [] }] },
    }).ops;
    const target = (path: string) => ops.findIndex((op) => op.op === "moveMount" && op.args.target === path);
    expect(target("sys/firmware")).toBeGreaterThan(target("sys/class"));
  });

  test("masks with a descriptor checked to be character device 1:3", () => {
    const checks = only(
      { config: { mounts: [{ type: "bind", source: "/d", destination: "/dev", options: [] }] } },
      "expectDevice",
    );
    expect(checks.map((op) => op.args)).toEqual([{ slot: 2, kind: 0, major: 1, minor: 3 }]);
  });

  test("installs the filter before it gives up capabilities, and with no_new_privs as the very last step", () => {
    const plain = names();
    expect(plain.indexOf("seccomp")).toBeLessThan(plain.indexOf("credentials"));
    const strict = names({ config: { securityOpt: ["no-new-privileges"] } });
    expect(strict.indexOf("seccomp")).toBe(strict.indexOf("execve") - 1);
    expect(strict.indexOf("noNewPrivileges")).toBeLessThan(strict.indexOf("seccomp"));
  });

  test("makes the --rm marker before it removes anything", () => {
    const vanish = planOf({ monitor: { remove: { trees: ["/t"], files: ["/f"], marker: "/m" } } })
      .ops.filter((op) => op.stage === "vanish")
      .map((op) => op.op);
    expect(vanish).toEqual(["makeMarker", "removeFile", "removeTree"]);
  });

  test("refuses by name what it cannot honour", () => {
    const spec = specOf();
    const linux = { ...spec.linux, devices: [{ type: "c" as const, path: "/dev/x", major: 1, minor: 1 }] };
    expect(() => planOf({ lower: { spec: { ...spec, linux } } })).toThrow("linux.devices");
  });

  test("is refused where the layers do not fit the kernel's option string", () => {
    const lower = Array.from({ length: 2000 }, (_, index) => String(index));
    const rootfs = {
      kind: "overlay",
      layersDir: "/l",
      lower,
      upper: "/u",
      work: "/w",
      merged: "/m",
      options: [],
    } as const;
    expect(() => planOf({ lower: { rootfs } })).toThrow("layers do not fit");
  });
});

describe("exec", () => {
  const request = {
    args: ["id"],
    env: [],
    tty: false,
    privileged: false,
    user: { uid: 1000, gid: 1000, groups: [], home: "/h" },
  };
  const identity = { pid: 10, start: 20n };

  function execPlan(what: Case = {}) {
    const { config } = specInput(what);
    const spec = specOf(what);
    return lowerExec({
      process: makeExecProcess(spec, config, request, FACTS),
      namespaces: spec.linux.namespaces,
      monitor: identity,
      init: identity,
      facts: FACTS,
      client: {
        attach: true,
        stdin: false,
        stdout: true,
        stderr: true,
        forwardSignals: true,
        detachKeys: new Uint8Array(),
        announce: "",
      },
      onFailure: { argv: ["/kelp", "__failed", ID], env: [] },
    });
  }

  test("has no capability for another user, and never more than the container's bounding set", () => {
    const credentials = execPlan({ config: { capDrop: ["ALL"] } }).ops.find((op) => op.op === "credentials");
    expect(credentials?.args).toMatchObject({ bounding: 0n, effective: 0n, inheritable: 0n, ambient: 0n });
  });

  test("does not try to enter namespaces that are the host's", () => {
    const namespaces = { pid: "host", ipc: "private", uts: "host", cgroup: "private", user: "" };
    const join = execPlan({ config: { namespaces } }).ops.find((op) => op.op === "joinPid");
    expect(join?.op === "joinPid" ? join.args.namespaces & (0x20000000n | 0x4000000n) : undefined).toBe(0n);
  });

  test("finds both processes by their start time", () => {
    expect(execPlan().ops.find((op) => op.op === "joinHolder")?.args).toMatchObject(identity);
    expect(execPlan().ops.find((op) => op.op === "openPid")?.args).toMatchObject(identity);
  });
});
