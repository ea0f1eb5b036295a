/**
 * Prepares the machine, builds, runs every suite and counts.
 *
 *   npm test [-- SUITE|FILE ...]     TEST_MUST=overlay,tun,…  these reasons may not skip a test
 *                                    TEST_KEEP=1              keep the files of the tests
 *                                    TEST_USER=NAME           root: run as this account
 *
 * Ends with a line `N passed, N failed, N skipped`; exits with 1 if anything failed, crashed or
 * ran nothing.
 */
import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { preparePackages, prepareUser, TURN } from "./lib/test-machine.mjs";
import { clearPlace, makePlace } from "./lib/test-place.mjs";
import { printSkips, tapLines, tapRows } from "./lib/test-report.mjs";
import { endWithRunner, planPrograms, pool, runNativeMake, runProgram, SUITES } from "./lib/test-suites.mjs";
import { dependenciesPresent, ROOT } from "./lib/toolchain.mjs";

function step(command, args) {
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
}

/** One run at a time for a user. The kernel drops the name with us. */
async function takeTurn() {
  for (let told = false; ; await sleep(500)) {
    const server = createServer();
    const free = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(`\0kelp-test-${TURN}`, () => resolve(true));
    });
    if (free) return server.unref();
    if (!told) console.log("waiting for another test run to end");
    told = true;
  }
}

function printResult(suite, { label, passed, failed, skipped, note, output, seconds }) {
  const name = label === suite.name ? label : `${suite.name}/${label}`;
  const counts = `${passed} passed${failed ? `, ${failed} failed` : ""}${skipped ? `, ${skipped} skipped` : ""}`;
  const tail = note === undefined ? "" : ` (${note})`;
  console.log(`${failed ? "FAIL" : "ok  "} ${name.padEnd(48)} ${counts}${tail}  ${seconds.toFixed(1)} s`);
  if (failed) console.log(`${output.trim()}\n`);
}

/** A suite that speaks TAP: a line for each test as its file ends; the plan and the counts at the end. */
function tapPrinter() {
  let count = 0;
  return {
    add(result) {
      const rows = tapRows(result);
      for (const line of tapLines(rows, count + 1)) console.log(line);
      count += rows.length;
    },
    end(results) {
      const { passed, failed, skipped } = total(results);
      console.log(`1..${count}\n# ${passed} passed, ${failed} failed, ${skipped} skipped`);
    },
  };
}

async function runSuite(place, { suite, programs }, wanted) {
  const tap = suite.tap ? tapPrinter() : undefined;
  const show = (result) => {
    printResult(suite, result);
    tap?.add(result);
    return result;
  };
  const results = await pool(programs, suite.parallel ?? 1, async (program, number) =>
    show(await runProgram(place, suite, program, number)),
  );
  tap?.end(results);
  if (suite.name === "native" && (wanted.length === 0 || wanted.includes("native"))) {
    const native = await runNativeMake(place);
    if (native !== undefined) results.push(show(native));
  }
  return results;
}

function total(results) {
  const sum = (key) => results.reduce((count, result) => count + result[key], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}

async function runAll(wanted, plan) {
  const place = makePlace(prepareUser());
  const results = [];
  let leaks = [];
  try {
    for (const part of plan) results.push(...(await runSuite(place, part, wanted)));
    printSkips(
      place.env.KELP_TEST_SKIPS,
      results.flatMap(({ tests = [] }) => tests.filter(({ outcome }) => outcome === "skipped")),
    );
  } finally {
    leaks = clearPlace(place);
  }
  if (leaks.length > 0) {
    console.log(`\nFAIL left behind by the tests:\n  ${leaks.join("\n  ")}`);
    results.push({ passed: 0, failed: 1, skipped: 0 });
  }
  return total(results);
}

/** A run of everything says what it has not run. */
function printLeftOut(plan) {
  for (const suite of SUITES.filter((each) => !plan.some((part) => part.suite === each)))
    console.log(`\nNOT RUN: ${suite.name}, ${suite.about}; npm test -- ${suite.name}`);
}

async function main(wanted) {
  const plan = planPrograms(wanted);
  preparePackages(Object.assign({}, ...plan.map(({ suite }) => suite.packages)));
  await takeTurn();
  if (!dependenciesPresent()) step("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  step("node", ["scripts/build.mjs", "--progress"]);
  endWithRunner();
  const { passed, failed, skipped } = await runAll(wanted, plan);
  if (wanted.length === 0) printLeftOut(plan);
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.log(`Error: ${error.message}\n\n0 passed, 1 failed, 0 skipped`);
  process.exitCode = 1;
}
