import { expect, test } from "bun:test";
import { resolveUser } from "../../../src/runtime/index.ts";

const PASSWD = `root:x:0:0:root:/root:/bin/sh
web:x:1000:1001::/srv/web:/bin/sh
99999999999:x:0:0::/root:/bin/sh
1e3:x:0:0::/root:/bin/sh
-1:x:0:0::/root:/bin/sh
2000:x:0:0::/root:/bin/sh
broken:x:zero:0::/:/bin/sh
huge:x:4294967296:0::/:/bin/sh
minus:x:-1:0::/:/bin/sh
`;
const GROUP = `root:x:0:
web:x:1001:
extra:x:50:other,web
also:x:51:web
1002:x:0:
`;
const files = { passwd: PASSWD, group: GROUP };

/** C3 of the attack catalogue: every way a user string has been misread into root. */
const TABLE: readonly (readonly [string, string])[] = [
  ["", "0:0"],
  ["0", "0:0"],
  ["00", "0:0"],
  ["root", "0:0"],
  ["1", "1:0"],
  ["007", "7:0"],
  ["1000", "1000:1001"],
  ["web", "1000:1001"],
  ["web:50", "1000:50"],
  ["web:extra", "1000:50"],
  ["1000:root", "1000:0"],
  ["0:0", "0:0"],
  ["0:1002", "0:1002"],
  ["2000", "2000:0"],
  ["65534:65534", "65534:65534"],
  ["2147483647", "2147483647:0"],
  ["2147483648", "error"],
  ["4294967295", "error"],
  ["4294967296", "error"],
  ["4294967297", "error"],
  ["18446744073709551616", "error"],
  ["99999999999", "error"],
  ["+1", "error"],
  ["-1", "error"],
  ["-0", "error"],
  ["1e3", "error"],
  ["1.0", "error"],
  ["0x0", "error"],
  ["0x10", "error"],
  [":0", "error"],
  [":", "error"],
  ["1:", "error"],
  ["root:", "error"],
  ["root:root:root", "error"],
  ["１０００", "error"],
  ["٣", "error"],
  [" 0", "error"],
  ["0 ", "error"],
  ["0\n", "error"],
  ["web\0", "error"],
  ["nobody", "error"],
  ["broken", "error"],
  ["huge", "error"],
  ["minus", "error"],
  ["web:nogroup", "error"],
  ["web:4294967296", "error"],
  ["web:-1", "error"],
  ["WEB", "error"],
];

for (const [text, expected] of TABLE) {
  test(`user ${JSON.stringify(text)} is ${expected}`, () => {
    const resolve = () => resolveUser(text, [], files);
    if (expected === "error") expect(resolve).toThrow();
    else expect(`${resolve().uid}:${resolve().gid}`).toBe(expected);
  });
}

test("a named user gets the groups that list it, without its primary one", () => {
  expect(resolveUser("web", [], files).groups).toEqual([50, 51]);
  expect(resolveUser("1000", [], files).groups).toEqual([50, 51]);
});

test("an explicit group replaces the listed ones", () => {
  expect(resolveUser("web:1001", [], files).groups).toEqual([]);
});

test("--group-add takes names and numbers, once each", () => {
  expect(resolveUser("5", ["extra", "50", "77"], files).groups).toEqual([50, 77]);
  expect(() => resolveUser("5", ["nosuch"], files)).toThrow("unable to find group nosuch");
});

test("the home directory is passwd's, and / for an unknown number", () => {
  expect(resolveUser("web", [], files).home).toBe("/srv/web");
  expect(resolveUser("4711", [], files).home).toBe("/");
  expect(resolveUser("0", [], { passwd: "", group: "" }).home).toBe("/");
});
