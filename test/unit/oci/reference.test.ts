import { describe, expect, test } from "bun:test";
import { UsageError } from "../../../src/base/index.ts";
import {
  dockerReference,
  formatReference,
  localCandidates,
  localName,
  parseReference,
} from "../../../src/oci/index.ts";

const HEX = "0123456789abcdef".repeat(4);

describe("parseReference", () => {
  test.each([
    ["busybox", { path: "busybox" }],
    ["busybox:1.36", { path: "busybox", tag: "1.36" }],
    ["user/app", { path: "user/app" }],
    ["localhost/hello:latest", { domain: "localhost", path: "hello", tag: "latest" }],
    ["quay.io/a/b/c", { domain: "quay.io", path: "a/b/c" }],
    ["registry:5000/x", { domain: "registry:5000", path: "x" }],
    ["[::1]:5000/x:y", { domain: "[::1]:5000", path: "x", tag: "y" }],
    [`docker.io/x@sha256:${HEX}`, { domain: "docker.io", path: "x", digest: `sha256:${HEX}` }],
    [`x:1@sha256:${HEX}`, { path: "x", tag: "1", digest: `sha256:${HEX}` }],
    ["a__b.c-d---e", { path: "a__b.c-d---e" }],
  ])("reads %s", (text, expected) => {
    expect(parseReference(text)).toEqual(expected as never);
  });

  test.each([
    "",
    ":",
    "a:",
    "/x",
    "x/",
    "x//y",
    "Upper",
    "x:bad tag",
    "x@sha256:12",
    "x@",
    "a..b",
    "-x",
    "x_",
    HEX,
    "http://x/y",
    "x:\n",
  ])("refuses %j", (text) => {
    expect(() => parseReference(text)).toThrow(UsageError);
  });

  test("says that names are lower case", () => {
    expect(() => parseReference("localhost/Foo")).toThrow("repository name must be lowercase");
  });
});

describe("full names", () => {
  test("docker's: library, default tag, index.docker.io", () => {
    const full = (text: string) => formatReference(dockerReference(parseReference(text)));
    expect(full("x")).toBe("docker.io/library/x:latest");
    expect(full("docker.io/x")).toBe("docker.io/library/x:latest");
    expect(full("index.docker.io/u/x:1")).toBe("docker.io/u/x:1");
    expect(full(`x@sha256:${HEX}`)).toBe(`docker.io/library/x@sha256:${HEX}`);
  });

  test("names given here are localhost's unless they say otherwise", () => {
    expect(localName("x")).toBe("localhost/x:latest");
    expect(localName("u/x:2")).toBe("localhost/u/x:2");
    expect(localName("quay.io/x")).toBe("quay.io/x:latest");
  });

  test("a short name is looked for on localhost first, then in the registries", () => {
    expect(localCandidates(parseReference("hello")).map(formatReference)).toEqual([
      "localhost/hello:latest",
      "docker.io/library/hello:latest",
    ]);
    expect(localCandidates(parseReference("a/b:1"), ["quay.io"]).map(formatReference)).toEqual([
      "localhost/a/b:1",
      "quay.io/a/b:1",
      "docker.io/a/b:1",
    ]);
  });
});
