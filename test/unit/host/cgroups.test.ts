import { expect, test } from "bun:test";
import { type CgroupTree, findDelegatedCgroup } from "../../../src/host/cgroups.ts";

const tree = (own: string, writable: readonly string[], mount: string | undefined = "/cg"): CgroupTree => ({
  own,
  mount,
  isWritable: (path) => writable.includes(path.replace(/\/cgroup\.procs$/, "")),
  read: (path) => (path.endsWith("/cgroup.controllers") ? "cpu memory pids\n" : undefined),
});

test("groups are made beside our own where the parent is ours", () => {
  expect(
    findDelegatedCgroup(tree("0::/user/app/me.scope\n", ["/cg/user/app", "/cg/user/app/me.scope"])),
  ).toEqual({
    path: "/cg/user/app",
    controllers: ["cpu", "memory", "pids"],
  });
});

test("else inside our own", () => {
  expect(findDelegatedCgroup(tree("12:cpu:/x\n0::/me\n", ["/cg/me"]))).toMatchObject({ path: "/cg/me" });
});

test("what is missing is said", () => {
  expect(findDelegatedCgroup(tree("0::/a/b\n", []))).toEqual({
    reason: "control group /a/b was not delegated to this user",
  });
  expect(findDelegatedCgroup({ ...tree("0::/\n", []), mount: undefined })).toEqual({
    reason: "control groups version 2 are not mounted",
  });
  expect(findDelegatedCgroup(tree("0::/../b\n", ["/cg"]))).toEqual({
    reason: "this process's control group is not visible here",
  });
});
