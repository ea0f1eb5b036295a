import { describe, expect, test } from "bun:test";
import { parseMountFlag } from "../../../src/container/mount-flag.ts";
import { parseTmpfsFlag, parseVolumeFlag, resolveMounts } from "../../../src/container/mounts.ts";

const input = {
  volumes: [],
  mounts: [],
  tmpfs: [],
  imageVolumes: [],
  imageVolumeMode: "anonymous",
  cwd: "/tmp",
};

describe("--volume", () => {
  test("binds paths, recursive and private by default", () => {
    expect(parseVolumeFlag("/etc:/x/../y/:ro,Z", "/")).toMatchObject({
      type: "bind",
      source: "/etc",
      destination: "/y",
      options: ["ro", "Z", "rbind", "rprivate"],
    });
    expect(parseVolumeFlag(".:/here:rw,rshared,bind", "/tmp")).toMatchObject({
      source: "/tmp",
      options: ["rw", "rshared", "bind"],
    });
  });
  test("takes other words for volumes", () => {
    expect(parseVolumeFlag("data:/data", "/")).toMatchObject({
      type: "volume",
      source: "data",
      destination: "/data",
      options: [],
    });
    expect(parseVolumeFlag("/data", "/")).toMatchObject({ type: "volume", destination: "/data" });
  });
  test.each([
    "/etc:x",
    "/etc:/",
    "/nonexistent-kelp:/x",
    "/etc:/x:bogus",
    "/etc:/x:ro,rw",
    "a:b:c:d",
    ":/x",
    "/etc:",
  ])("refuses %s", (flag) => {
    expect(() => parseVolumeFlag(flag, "/")).toThrow();
  });
});

describe("--mount", () => {
  test("reads binds with every spelling of its keys", () => {
    expect(
      parseMountFlag("type=bind,src=/etc,target=/x,ro=true,bind-propagation=rslave,relabel=private", "/"),
    ).toMatchObject([
      { type: "bind", source: "/etc", destination: "/x", options: ["ro", "rslave", "Z", "rbind"] },
    ]);
    expect(parseMountFlag("type=bind,source=/etc,dst=/x,bind-nonrecursive", "/")[0]?.options).toContain(
      "bind",
    );
    expect(parseMountFlag("type=tmpfs,destination=/t,tmpfs-size=512M,tmpfs-mode=700", "/")).toMatchObject([
      { type: "tmpfs", options: ["size=512M", "mode=700"] },
    ]);
    expect(parseMountFlag("destination=/v", "/")[0]?.type).toBe("volume");
  });
  test.each([
    "type=bind,dst=/x",
    "type=bind,src=/etc",
    "type=frob,dst=/x",
    "type=bind,src=/etc,dst=/x,ro=maybe",
    "type=bind,src=/etc,dst=/x,frob",
  ])("refuses %s", (flag) => expect(() => parseMountFlag(flag, "/")).toThrow());
});

test("--tmpfs keeps the kernel's words", () => {
  expect(parseTmpfsFlag("/t:rw,size=10m")).toMatchObject({
    type: "tmpfs",
    destination: "/t",
    options: ["rw", "size=10m"],
  });
});

test("an image's VOLUME cannot name what is not a directory below the root", () => {
  const { mounts, imageVolumes } = resolveMounts({
    ...input,
    imageVolumes: ["/data/", "/../..", "rel", "/", "//x", "/a/../b"],
  });
  expect(imageVolumes).toEqual(["/data", "/x"]);
  expect(mounts.map((mount) => mount.destination)).toEqual(["/data", "/x"]);
});

test("a flag replaces an image's VOLUME; two flags of one place are an error", () => {
  expect(resolveMounts({ ...input, tmpfs: ["/data"], imageVolumes: ["/data"] }).imageVolumes).toEqual([]);
  expect(() => resolveMounts({ ...input, tmpfs: ["/data"], volumes: ["/etc:/data"] })).toThrow(
    "duplicate mount destination",
  );
});
