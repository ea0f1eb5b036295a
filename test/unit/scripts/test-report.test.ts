import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
// @ts-expect-error: plain JavaScript, because it runs before anything is installed
import * as report from "../../../scripts/lib/test-report.mjs";

const { countJunit, countTap, junitTests, tapLines, tapRows, verdict } = report;
const scratch = mkdtempSync(join(tmpdir(), "kelp-report-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test("a JUnit file's root has the counts", () => {
  const path = join(scratch, "r.xml");
  writeFileSync(
    path,
    '<?xml version="1.0"?>\n<testsuites name="bun test" tests="9" assertions="20" failures="2" skipped="3" time="1">',
  );
  expect(countJunit(path)).toEqual({ passed: 4, failed: 2, skipped: 3 });
  expect(countJunit(join(scratch, "absent.xml"))).toBeUndefined();
});

test("TAP lines are counted, skips apart", () => {
  expect(countTap("1..3\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no overlay\n")).toEqual({
    passed: 1,
    failed: 1,
    skipped: 1,
  });
});

test("a crash is a failure, whatever passed before it", () => {
  expect(verdict({ passed: 5, failed: 0, skipped: 0 }, 139)).toMatchObject({ passed: 5, failed: 1 });
  expect(verdict(undefined, 1)).toMatchObject({ passed: 0, failed: 1 });
});

test("a run of nothing is a failure", () => {
  expect(verdict({ passed: 0, failed: 0, skipped: 0 }, 0)).toMatchObject({ failed: 1, note: "ran no test" });
});

test("a program's tests become TAP with the same counts, and a failure that no test tells has a line as well", () => {
  const path = join(scratch, "tests.xml");
  const inside = [
    '<testcase name="a &amp; b" classname="x" time="1.26" file="f" line="1" assertions="1" />',
    '<testcase name="c" classname="" time="2" file="f" line="2" assertions="1">\n<failure type="E" />\n</testcase>',
    '<testcase name="d" classname="" time="0" file="f" line="3" assertions="0">\n<skipped />\n</testcase>',
  ];
  writeFileSync(path, `<testsuites><testsuite>${inside.join("\n")}</testsuite></testsuites>`);
  const tests = junitTests(path);
  const lines = tapLines(tapRows({ label: "f", failed: 2, note: "exited with 1", seconds: 9, tests }), 4);
  expect(lines).toEqual([
    "ok 4 - a & b # time=1.3s",
    "not ok 5 - c # time=2.0s",
    "ok 6 - d # SKIP",
    "not ok 7 - f: exited with 1 # time=9.0s",
  ]);
  expect(countTap(lines.join("\n"))).toEqual({ passed: 1, failed: 2, skipped: 1 });
});
