import { expect, test } from "bun:test";
import { redact, redactEnv } from "../../../src/base/index.ts";

test.each([
  ["https://user:pw@reg.example/v2/", "https://*****@reg.example/v2/"],
  ["https://user:p@ss@reg.example/v2/", "https://*****@reg.example/v2/"],
  ["get https://r.example/b?token=abc&x=1 failed", "get https://r.example/b?token=*****&x=1 failed"],
  ["https://s3/x?X-Amz-Signature=ff&X-Amz-Date=1", "https://s3/x?X-Amz-Signature=*****&X-Amz-Date=*****"],
  ["https://s/x?sv=1&sig=abc%3D", "https://s/x?sv=1&sig=*****"],
  ["Authorization: Bearer eyJhbGciOi.J9.x", "Authorization: Bearer *****"],
  ["basic dXNlcjpwYXNz", "basic *****"],
] as const)("redact() masks the secret of %p", (text, shown) => {
  expect(redact(text)).toBe(shown);
});

test("redact() leaves digests, plain URLs and prose alone", () => {
  const text = "docker.io/library/x@sha256:abc from https://r.example/v2/x?n=1, a basic idea";
  expect(redact(text)).toBe(text);
});

test("redactEnv() masks values of secret names", () => {
  expect(redactEnv("DB_PASSWORD=x=y")).toBe("DB_PASSWORD=*****");
  expect(redactEnv("GITHUB_TOKEN=x")).toBe("GITHUB_TOKEN=*****");
  expect(redactEnv("HTTP_PROXY=http://u:p@proxy:1")).toBe("HTTP_PROXY=http://*****@proxy:1");
  expect(redactEnv("PATH=/bin")).toBe("PATH=/bin");
  expect(redactEnv("COMPASS=n")).toBe("COMPASS=n");
});
