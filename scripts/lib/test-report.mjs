/** Counts what bun's JUnit and TAP output say, and prints the end of a run. */
import { existsSync, readFileSync } from "node:fs";

/** The counts of a JUnit file; undefined if there is none or it is not complete. */
export function countJunit(path) {
  if (!existsSync(path)) return undefined;
  const root = readFileSync(path, "utf8").match(/<testsuites\b([^>]*)>/)?.[1];
  if (root === undefined) return undefined;
  const value = (name) => Number(root.match(new RegExp(`\\b${name}="(\\d+)"`))?.[1] ?? 0);
  const failed = value("failures") + value("errors");
  const skipped = value("skipped");
  return { passed: value("tests") - failed - skipped, failed, skipped };
}

function plain(text) {
  const entities = { quot: '"', apos: "'", lt: "<", gt: ">", amp: "&" };
  return text.replace(/&(\w+);/g, (entity, word) => entities[word] ?? entity);
}

/** The tests of a JUnit file as `{name, seconds, outcome}`; outcome: `ok`, `failed` or `skipped`. */
export function junitTests(path) {
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const rows = text.matchAll(/<testcase name="([^"]*)"([^>]*)>\s*(<failure|<error|<skipped)?/g);
  return [...rows].map(([, name, attributes, verdict]) => ({
    name: plain(name),
    seconds: Number(/\btime="([\d.]+)"/.exec(attributes)?.[1] ?? 0),
    outcome: verdict === undefined ? "ok" : verdict === "<skipped" ? "skipped" : "failed",
  }));
}

/** What a program's verdict comes to in TAP: its tests, and the program itself where no test says why it failed. */
export function tapRows({ label, note = "failed", failed, seconds, tests }) {
  const told = tests.filter(({ outcome }) => outcome === "failed").length;
  return failed > told ? [...tests, { name: `${label}: ${note}`, seconds, outcome: "failed" }] : tests;
}

/** Tests as lines of TAP, numbered from `first` on. */
export function tapLines(tests, first) {
  return tests.map(({ name, seconds, outcome }, index) => {
    const result = outcome === "failed" ? "not ok" : "ok";
    const rest = outcome === "skipped" ? " # SKIP" : ` # time=${seconds.toFixed(1)}s`;
    return `${result} ${first + index} - ${name.replaceAll("#", "\\#")}${rest}`;
  });
}

/** The counts of TAP lines (`ok 1 - name`, `not ok`, `# SKIP reason`). */
export function countTap(output) {
  const rows = output.split("\n").filter((line) => /^(not )?ok\b/.test(line.trimStart()));
  const failed = rows.filter((line) => line.trimStart().startsWith("not ok")).length;
  const skipped = rows.filter((line) => /# *skip/i.test(line)).length;
  return { passed: rows.length - failed - skipped, failed, skipped };
}

/**
 * The verdict on one finished program: a crash, and a run of nothing, count as a failure, whatever
 * was passed before it.
 */
export function verdict(counts, exitCode) {
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 };
  if (exitCode !== 0 && failed === 0) return { passed, failed: 1, skipped, note: `exited with ${exitCode}` };
  if (passed + failed + skipped === 0) return { passed, failed: 1, skipped, note: "ran no test" };
  return { passed, failed, skipped };
}

/** The skips, grouped by the reason that `requires` noted at `path`; a skip without one is listed too. */
export function printSkips(path, tests) {
  const byReason = new Map();
  const add = (reason, name) => byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  const noted = existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
  const rows = noted.map((line) => line.split("\t"));
  for (const [reason, name] of rows) add(reason, name);
  const explained = new Set(rows.map(([, name]) => name));
  for (const { name } of tests.filter((skipped) => !explained.has(skipped.name)))
    add("no reason given", name);
  if (byReason.size > 0) console.log("\nSKIPPED:");
  for (const [reason, tests] of byReason) {
    console.log(`  ${reason}`);
    for (const name of tests) console.log(`    - ${name}`);
  }
}
