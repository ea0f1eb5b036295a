import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostFacts, hostProblem, type Paths } from "../../../src/host/index.ts";
import { parseProbe } from "../../../src/host/probe.ts";

const CALLS = "kernel 6.1.0-9\nopenat2 0\nopen_tree 0\nmount_setattr 0\nclose_range 0\npidfd_open 0\n";
const GOOD = `${CALLS}userns 0\nuserns_map 0\nnamespaces 0\noverlay_userxattr 0\ncgroup2 0\nseccomp_notify 22\n`;

let root: string;
let paths: Paths;
let helper: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-unit-"));
  paths = { data: join(root, "data"), config: root, cache: join(root, "cache"), runtime: root };
  helper = join(root, "helper");
});
afterEach(() => rmSync(root, { recursive: true }));

/** A helper that says so and counts its calls. */
function helperSaying(output: string): () => number {
  writeFileSync(join(root, "output"), output);
  writeFileSync(helper, `#!/bin/sh\necho "$@" >> ${root}/calls\ncat ${root}/output\n`);
  chmodSync(helper, 0o755);
  return () =>
    existsSync(join(root, "calls")) ? readFileSync(join(root, "calls"), "utf8").split("\n").length - 1 : 0;
}

test("results become facts", () => {
  expect(parseProbe(GOOD)).toMatchObject({
    kernel: "6.1.0-9",
    namespaces: true,
    overlay: true,
    cgroup2: true,
    seccompNotify: false,
    results: { openat2: 0, seccomp_notify: 22 },
  });
});

test("good news is asked for once", () => {
  const calls = helperSaying(GOOD);
  expect(hostFacts(paths, helper)).toEqual(hostFacts(paths, helper));
  expect(calls()).toBe(1);
  expect(readdirSync(paths.cache)).toHaveLength(1);
});

test("another helper asks again, and overlay is tried where the store is", () => {
  const calls = helperSaying(GOOD);
  hostFacts(paths, helper);
  mkdirSync(paths.data, { mode: 0o700 });
  hostFacts(paths, helper);
  expect(calls()).toBe(2);
  expect(readFileSync(join(root, "calls"), "utf8")).toMatch(
    /^probe\nprobe .*\/data\/tmp\/probe~\d+-\d+-\d+\n$/,
  );
  expect(readdirSync(join(paths.data, "tmp"))).toEqual([]);
});

test("bad news is believed for a minute only", () => {
  const calls = helperSaying(`${CALLS}userns 1\n`);
  hostFacts(paths, helper);
  hostFacts(paths, helper);
  expect(calls()).toBe(1);
  const file = join(paths.cache, readdirSync(paths.cache)[0] as string);
  writeFileSync(file, readFileSync(file, "utf8").replace(/"time":\d+/, '"time":1'));
  hostFacts(paths, helper);
  expect(calls()).toBe(2);
});

test("a damaged cache and one that cannot be written do not matter", () => {
  helperSaying(GOOD);
  hostFacts(paths, helper);
  writeFileSync(join(paths.cache, readdirSync(paths.cache)[0] as string), '{"key');
  expect(hostFacts(paths, helper).namespaces).toBe(true);
  writeFileSync(join(root, "file"), "");
  expect(hostFacts({ ...paths, cache: join(root, "file", "cache") }, helper).namespaces).toBe(true);
});

test("a helper that does not run is an error with advice", () => {
  writeFileSync(helper, "#!/bin/sh\nexit 3\n", { mode: 0o755 });
  expect(() => hostFacts(paths, helper)).toThrow(`cannot run ${helper}: exit status 3`);
});

test.each([
  [GOOD, undefined],
  [GOOD.replace("openat2 0", "openat2 38"), "cannot run containers: kernel 6.1.0-9 lacks openat2"],
  [
    `${CALLS}userns 28\nmax_user_namespaces 0\n`,
    "cannot run containers: user namespaces are switched off (user.max_user_namespaces = 0)",
  ],
  [
    `${CALLS}userns 0\nuserns_map 1\napparmor_restricts_userns 1\n`,
    "cannot run containers: AppArmor restricts user namespaces of unprivileged programs",
  ],
  [`${CALLS}userns 1\n`, "cannot run containers: the kernel refuses user namespaces to unprivileged users"],
])("what must be mended is said (%#)", (output, message) => {
  expect(hostProblem(parseProbe(output))?.message).toBe(message as string);
});
