import { expect, test } from "bun:test";
import {
  addressBytes,
  contains,
  formatAddress,
  formatSubnet,
  hostRange,
  overlaps,
  parseAddress,
  parseMac,
  parseSubnet,
} from "../../../src/network/address.ts";

test("addresses survive their way through numbers, IPv6 in its shortest form", () => {
  for (const [text, canonical] of [
    ["10.88.0.1", "10.88.0.1"],
    ["255.255.255.255", "255.255.255.255"],
    ["::", "::"],
    ["::1", "::1"],
    ["FD00:0:0:1::a", "fd00:0:0:1::a"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["::ffff:1.2.3.4", "::ffff:102:304"],
  ] as const)
    expect(formatAddress(parseAddress(text)!)).toBe(canonical);
});

test("what is no address is none", () => {
  for (const text of [
    "",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4.5",
    ":::",
    "1::2::3",
    "fe80::1%eth0",
    "g::",
    "1:2:3:4:5:6:7:8:9",
  ])
    expect(parseAddress(text)).toBeUndefined();
});

test("a subnet loses its host bits and keeps its ends to itself", () => {
  const net = parseSubnet("10.89.5.77/24")!;
  expect(formatSubnet(net)).toBe("10.89.5.0/24");
  const { first, last } = hostRange(net);
  expect([first, last].map((value) => formatAddress({ family: 4, value }))).toEqual([
    "10.89.5.1",
    "10.89.5.254",
  ]);
  for (const text of ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "x/8"])
    expect(parseSubnet(text)).toBeUndefined();
});

test("overlap and membership go by family and range", () => {
  const a = parseSubnet("10.88.0.0/16")!;
  expect(overlaps(a, parseSubnet("10.88.3.0/24")!)).toBe(true);
  expect(overlaps(a, parseSubnet("10.89.0.0/24")!)).toBe(false);
  expect(overlaps(a, parseSubnet("::/0")!)).toBe(false);
  expect(contains(a, parseAddress("10.88.255.255")!)).toBe(true);
  expect(contains(a, parseAddress("::a58:0")!)).toBe(false);
});

test("bytes are in network order, hardware addresses in pairs", () => {
  expect([...addressBytes(parseAddress("1.2.3.4")!)]).toEqual([1, 2, 3, 4]);
  expect([...parseMac("02:6b:0A:58:00:02")!]).toEqual([2, 0x6b, 10, 0x58, 0, 2]);
  expect(parseMac("02:6b:0a:58:00")).toBeUndefined();
});
