import { expect, test } from "bun:test";
import { parseMode } from "../../../src/build/inside/owner.ts";

const CASES: readonly (readonly [string, number, boolean, number])[] = [
  ["755", 0o600, false, 0o755],
  ["4711", 0o600, false, 0o4711],
  ["+x", 0o644, false, 0o755],
  ["g=u", 0o640, false, 0o660],
  ["o=g", 0o751, false, 0o755],
  ["go-u", 0o777, false, 0o700],
  ["u=rwX,go=rX", 0o600, false, 0o644],
  ["u=rwX,go=rX", 0o700, false, 0o755],
  ["u=rwX,go=rX", 0o600, true, 0o755],
  ["a-w,u+w", 0o777, false, 0o755],
  ["u+s,g+s,o+t", 0o755, false, 0o7755],
  ["u=", 0o755, false, 0o055],
];

test.each(CASES.map(([text, from, directory, to]) => [text, from, directory, to] as const))(
  "--chmod=%s",
  (text, from, directory, to) => {
    expect(parseMode(text)(from, directory).toString(8)).toBe(to.toString(8));
  },
);

test.each(["", "8", "77777", "z+x", "u!r", "g=ux", "+q"])("--chmod=%s is refused", (text) => {
  expect(() => parseMode(text)(0o644, false)).toThrow("neither octal nor symbolic");
});
