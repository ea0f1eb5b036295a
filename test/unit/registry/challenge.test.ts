import { expect, test } from "bun:test";
import { parseChallenges } from "../../../src/registry/challenge.ts";

test("a bearer challenge gives realm, service and scope, whatever the case and spacing", () => {
  expect(
    parseChallenges('BEARER Realm="https://a.example/token" ,service=reg, scope="x:y:pull,push"'),
  ).toEqual([
    {
      scheme: "bearer",
      params: { realm: "https://a.example/token", service: "reg", scope: "x:y:pull,push" },
    },
  ]);
});

test("several challenges in one header are kept apart, also beside a scheme with a token", () => {
  expect(parseChallenges('Negotiate YWJj, Basic realm="x", Bearer realm="https://t/",service="s"')).toEqual([
    { scheme: "negotiate", params: {} },
    { scheme: "basic", params: { realm: "x" } },
    { scheme: "bearer", params: { realm: "https://t/", service: "s" } },
  ]);
});

test("quoted commas, equal signs and escaped quotes belong to the value", () => {
  expect(parseChallenges('Bearer realm="a,b=\\"c\\"",service="d"')[0]?.params).toEqual({
    realm: 'a,b="c"',
    service: "d",
  });
});

test("the first of two equal parameters counts", () => {
  expect(parseChallenges('Bearer realm="one",realm="two"')[0]?.params).toEqual({ realm: "one" });
});

test("nothing comes of no header, an endless one, or parameters without a scheme", () => {
  for (const header of [null, "", "x".repeat(10_000), 'realm="x"', '"', "=,=,="]) {
    expect(parseChallenges(header)).toEqual([]);
  }
});
