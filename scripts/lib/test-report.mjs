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

/** The skips noted by `requires`, grouped by their reason. */
export function printSkips(path) {
  if (!existsSync(path)) return;
  const byReason = new Map();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const [reason, name] = line.split("\t");
    if (name !== undefined) byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  }
  if (byReason.size > 0) console.log("\nSKIPPED:");
  for (const [reason, names] of byReason) {
    console.log(`  ${reason}`);
    for (const name of names) console.log(`    - ${name}`);
  }
}
