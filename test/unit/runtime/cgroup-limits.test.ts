import { describe, expect, test } from "bun:test";
import { cgroupSettings, type Limits } from "../../../src/runtime/index.ts";
import { planOf } from "./fixture.ts";

const written = (limits: Limits) => cgroupSettings(limits).map(({ file, value }) => `${file} ${value}`);

describe("a limit becomes the kernel's file of version 2", () => {
  test("memory with podman's default for swap, which is left out where the kernel has none", () => {
    expect(written({ memory: 1024 })).toEqual(["memory.max 1024", "memory.swap.max 1024"]);
    expect(cgroupSettings({ memory: 1024 })[1]?.optional).toBe(true);
  });

  test("--memory-swap counts both, the file swap alone", () => {
    expect(written({ memory: 1024, "memory-swap": "3072" })).toContain("memory.swap.max 2048");
    expect(written({ memory: 1024, "memory-swap": "-1" })).toContain("memory.swap.max max");
    expect(() => written({ memory: 1024, "memory-swap": "512" })).toThrow("larger than memory limit");
    expect(() => written({ "memory-swap": "512" })).toThrow("--memory has to be set");
  });

  test("CPU time, shares and sets", () => {
    expect(written({ cpus: "1.5" })).toEqual(["cpu.max 150000 100000"]);
    expect(written({ "cpu-quota": 5000 })).toEqual(["cpu.max 5000 100000"]);
    expect(written({ "cpu-quota": -1, "cpu-period": 20000 })).toEqual(["cpu.max max 20000"]);
    expect(written({ "cpu-shares": 512 })).toEqual(["cpu.weight 20"]);
    expect(written({ "cpu-shares": 1024 })).toEqual(["cpu.weight 39"]);
    expect(written({ "cpuset-cpus": "0-1", "cpuset-mems": "0" })).toEqual([
      "cpuset.cpus 0-1",
      "cpuset.mems 0",
    ]);
    expect(() => written({ cpus: "1", "cpu-quota": 5 })).toThrow(
      "--cpu-quota and --cpus cannot be set together",
    );
    expect(() => written({ cpus: "1", "cpu-period": 5 })).toThrow("--cpu-period and --cpus cannot");
  });

  test("processes, where 0 and less mean any number", () => {
    expect(written({ "pids-limit": 7 })).toEqual(["pids.max 7"]);
    expect(written({ "pids-limit": -1 })).toEqual(["pids.max max"]);
    expect(written({ "pids-limit": 0 })).toEqual(["pids.max max"]);
  });

  test("disks, and nothing but disks", () => {
    expect(written({ "blkio-weight": 1000 })).toEqual(["io.weight default 10000"]);
    expect(() => written({ "device-read-bps": "/dev/null:1" })).toThrow("not a block device");
  });

  test("--cgroup-conf writes to no file that moves or ends processes, and to no other directory", () => {
    expect(written({ "cgroup-conf": "memory.high=7" })).toEqual(["memory.high 7"]);
    for (const file of [
      "cgroup.procs",
      "cgroup.kill",
      "cgroup.freeze",
      "../memory.max",
      "/etc/passwd",
      "memory",
    ])
      expect(() => written({ "cgroup-conf": `${file}=1` })).toThrow("must be FILE=VALUE");
  });
});

describe("a plan with a control group", () => {
  const cgroup = {
    path: "/sys/fs/cgroup/u/kelp-1",
    controllers: ["pids"],
    settings: cgroupSettings({ "pids-limit": 5 }),
  };
  const ops = (nested: boolean) =>
    planOf({ lower: { cgroup: { ...cgroup, nested } } }).ops.filter(
      ({ op, stage }) => /^cgroup|unshare/.test(op) || (op === "writeAt" && stage === "monitor"),
    );

  test("makes it before the process exists, which then makes its view of it, and removes it at the end", () => {
    expect(ops(false).map(({ stage, op }) => `${stage} ${op}`)).toEqual([
      "launch cgroupMake",
      "monitor writeAt",
      "setup unshare",
      "finish cgroupRemove",
    ]);
  });

  test("keeps the limits of a container that may write to its view above what it sees", () => {
    const paths = ops(true).flatMap(({ args }) => ("path" in args ? [args.path] : []));
    expect(paths).toEqual([
      "/sys/fs/cgroup/u/kelp-1",
      "/sys/fs/cgroup/u/kelp-1/container",
      "pids.max",
      "cgroup.subtree_control",
      "pids.max",
      "/sys/fs/cgroup/u/kelp-1",
    ]);
  });

  test("is the same as ever without one", () => {
    expect(planOf().ops.filter(({ op }) => op.startsWith("cgroup"))).toEqual([]);
  });
});
