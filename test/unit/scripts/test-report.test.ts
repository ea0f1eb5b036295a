import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
// @ts-expect-error: plain JavaScript, because it runs before anything is installed
import { countJunit, countTap, verdict } from "../../../scripts/lib/test-report.mjs";

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
