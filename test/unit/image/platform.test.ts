import { expect, test } from "bun:test";
import { chooseManifest, parsePlatform, wantedPlatform } from "../../../src/image/platform.ts";
import type { Descriptor, Index } from "../../../src/oci/index.ts";

function index(...platforms: (string | undefined)[]): Index {
  const manifests = platforms.map((name, position) => {
    const entry = { mediaType: "m", digest: `d${position}`, size: 1 } as unknown as Descriptor;
    return name === undefined ? entry : { ...entry, platform: parsePlatform(name) };
  });
  return { mediaType: "i", manifests };
}

const chosen = (list: Index, platform: string) =>
  chooseManifest(list, parsePlatform(platform))?.digest as string | undefined;

test("other tools' words for an architecture are understood", () => {
  expect(parsePlatform("linux/x86_64")).toEqual({ os: "linux", architecture: "amd64" });
  expect(parsePlatform("aarch64")).toEqual({ os: "linux", architecture: "arm64" });
  expect(wantedPlatform({ arch: "arm", variant: "v7" })).toEqual({
    os: "linux",
    architecture: "arm",
    variant: "v7",
  });
  expect(wantedPlatform({})).toBeUndefined();
  for (const other of [{ os: "linux" }, { arch: "arm64" }])
    expect(() => wantedPlatform({ platform: "linux/arm64", ...other })).toThrow(
      "--platform option can not be specified with --arch or --os",
    );
  expect(() => parsePlatform("a/b/c/d")).toThrow(/invalid platform/);
});

test("the best variant the machine runs is taken, never a newer one", () => {
  const list = index("linux/arm/v5", "linux/arm/v6", "linux/arm/v8", "linux/arm64/v8", "linux/arm64");
  expect(chosen(list, "linux/arm/v7")).toBe("d1");
  expect(chosen(list, "linux/arm64")).toBe("d3");
  expect(chosen(index("linux/amd64/v3", "linux/amd64"), "linux/amd64")).toBe("d1");
});

test("a platform that is not there is not replaced by another", () => {
  expect(chosen(index("linux/amd64", undefined), "linux/riscv64")).toBeUndefined();
});
