/** The suites: which files they have, who runs them, and how a program becomes counts. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { countJunit, countTap, junitTests, verdict } from "./test-report.mjs";
import { findBun, ROOT } from "./toolchain.mjs";

/**
 * `as`: "caller" works in the checkout, "user" in the test user's copy. `each`: one process a file,
 * `parallel` of them at a time. Fault tests kill and fill disks, so they run alone.
 */
export const SUITES = [
  { name: "checks", directory: "test/checks", as: "caller", timeout: 120 },
  { name: "unit", directory: "test/unit", as: "user", timeout: 20 },
  { name: "native", directory: "test/native", as: "user", each: true, parallel: 1, timeout: 120 },
  {
    name: "integration",
    directory: "test/integration",
    as: "user",
    each: true,
    parallel: 2,
    timeout: 60,
    // The kernel's overlay is tried by every file; what containers promise holds with the other drivers as well.
    drivers: {
      names: ["fuse-overlayfs", "vfs"],
      files: /\/(030-run|050-life|052-[^/]*|07[01]-build[^/]*|120-images)\.test\.ts$/,
    },
  },
  { name: "attack", directory: "test/attack", as: "user", each: true, parallel: 2, timeout: 60 },
  {
    name: "vm",
    directory: "test/vm",
    as: "caller",
    each: true,
    // A machine seldom keeps more than one of its processors busy.
    parallel: 2,
    timeout: 900,
    // A virtual machine a file, emulated: only where it is asked for, by name or as what must not be skipped.
    onDemand: true,
    about: "virtual machines with a real systemd, reboots and power cuts, for about eight minutes",
    tap: true,
    packages: {
      "qemu-system-x86": "qemu-system-x86_64",
      mmdebstrap: "mmdebstrap",
      e2fsprogs: "mke2fs",
      "qemu-system-arm": "qemu-system-aarch64",
      "gcc-aarch64-linux-gnu": "aarch64-linux-gnu-gcc",
      "libc6-dev-arm64-cross": "../aarch64-linux-gnu/lib/libc.a",
    },
  },
  { name: "faults", directory: "test/fault", as: "user", each: true, parallel: 1, timeout: 300 },
];

/** No program may run longer, whatever its own bounds say. */
const PROGRAM_LIMIT_MS = 45 * 60 * 1000;

function testFiles(directory) {
  const path = join(ROOT, directory);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(directory, name))
    .sort();
}

/**
 * The programs to run for what was asked: names of suites, files, or nothing for everything.
 * Each is `{suite, label, files}`.
 */
export function planPrograms(wanted) {
  const asked = (suite) =>
    (wanted.length === 0 && (suite.onDemand !== true || mustNotSkip("vm"))) ||
    wanted.includes(suite.name) ||
    wanted.some((path) => path.startsWith(`${suite.directory}/`));
  const files = (suite) => {
    const named = wanted.filter((path) => path.startsWith(`${suite.directory}/`));
    return testFiles(suite.directory).filter(
      (file) =>
        named.length === 0 || wanted.includes(suite.name) || named.some((path) => file.startsWith(path)),
    );
  };
  const known = (word) =>
    SUITES.some((suite) => suite.name === word || word.startsWith(`${suite.directory}/`));
  const unknown = wanted.filter((word) => !known(word));
  if (unknown.length > 0) {
    throw new Error(`unknown: ${unknown.join(" ")}; suites: ${SUITES.map(({ name }) => name).join(" ")}`);
  }
  return SUITES.filter(asked).map((suite) => {
    const found = files(suite);
    const groups = suite.each ? found.map((file) => [file]) : [found];
    return {
      suite,
      programs: groups
        .filter((group) => group.length > 0)
        .flatMap((group) =>
          onDrivers(suite, {
            label: suite.each ? group[0].slice(suite.directory.length + 1) : suite.name,
            files: group,
          }),
        ),
    };
  });
}

/** The program, and once more for each further storage driver. */
function onDrivers({ drivers }, program) {
  const names = drivers?.files.test(program.files[0]) ? drivers.names : [];
  return [program, ...names.map((driver) => ({ ...program, label: `${program.label} (${driver})`, driver }))];
}

function mustNotSkip(feature) {
  return (process.env.TEST_MUST ?? "").split(",").includes(feature);
}

/** Process groups of the programs that run. */
const groups = new Set();
let interrupted = false;

/** The programs have groups of their own, which a signal for the runner does not reach: they end with it all the same. */
export function endWithRunner() {
  for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, () => {
      interrupted = true;
      for (const group of groups) process.kill(-group, "SIGKILL");
    });
}

function execute(command, options) {
  if (interrupted) throw new Error("interrupted");
  const child = spawn(command[0], command.slice(1), {
    ...options,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  groups.add(child.pid);
  const chunks = [];
  const limit = setTimeout(() => process.kill(-child.pid, "SIGKILL"), PROGRAM_LIMIT_MS);
  child.stdout.on("data", (chunk) => chunks.push(chunk));
  child.stderr.on("data", (chunk) => chunks.push(chunk));
  return new Promise((resolve) => {
    const finish = (code) => {
      clearTimeout(limit);
      groups.delete(child.pid);
      resolve({ code, output: Buffer.concat(chunks).toString() });
    };
    child.on("error", (error) => {
      chunks.push(Buffer.from(error.message));
      finish(1);
    });
    // "exit", then a moment: a process that a test left behind may keep the pipes open for ever.
    child.on("exit", (code) => setTimeout(finish, 50, code ?? 1));
  });
}

function driverWanted(driver) {
  return driver === undefined ? {} : { KELP_TEST_DRIVER: driver };
}

/** A journal takes a moment to start: only for the files about it. */
function journalWanted(label) {
  return label.includes("journal") ? { KELP_TEST_JOURNAL: "1" } : {};
}

/** Runs one program of a suite; gives its counts, with the output where it failed. */
export async function runProgram(machine, suite, { label, files, driver }, number) {
  const report = join(machine.reports, `${suite.name}-${number}.xml`);
  const command = [
    suite.as === "user" ? machine.bun : findBun(),
    ...[
      "test",
      "--isolate",
      "--timeout",
      String(suite.timeout * 1000),
      "--reporter=junit",
      `--reporter-outfile=${report}`,
    ],
    ...files.map((file) => `./${file}`),
  ];
  const started = performance.now();
  const { code, output } = await execute(
    suite.as === "user" ? machine.asUser(command, `${suite.name}-${label.replace(/\W+/g, "-")}`) : command,
    suite.as === "user"
      ? { cwd: machine.checkout, env: { ...machine.env, ...driverWanted(driver), ...journalWanted(label) } }
      : { cwd: ROOT, env: { ...process.env, KELP_TEST_SKIPS: machine.env.KELP_TEST_SKIPS } },
  );
  const counts = verdict(countJunit(report), code);
  const seconds = (performance.now() - started) / 1000;
  return { ...counts, label, output, seconds, tests: junitTests(report) };
}

/** The C programs of the native suite: `make -C native test` speaks TAP. */
export async function runNativeMake(machine) {
  const makefile = join(ROOT, "native", "Makefile");
  if (!existsSync(makefile) || !/^test:/m.test(readFileSync(makefile, "utf8"))) return undefined;
  const started = performance.now();
  const command = ["make", "--no-print-directory", "-C", "native", "test"];
  const { code, output } = await execute(machine.asUser(command, "native-make"), {
    cwd: machine.checkout,
    env: machine.env,
  });
  const counts = verdict(countTap(output), code);
  return { ...counts, label: "make test", output, seconds: (performance.now() - started) / 1000 };
}

/** Runs `work` over `items`, at most `width` at a time, results in order. */
export async function pool(items, width, work) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index], index);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
