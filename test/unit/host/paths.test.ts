import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Environment, resolvePaths } from "../../../src/host/index.ts";

const uid = process.getuid?.() as number;
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-unit-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** The paths of an ordinary user, whoever runs the tests: `userId` is nobody's, so /run/user has nothing for it. */
const user = (env: Environment = {}, userId = 4_000_000_000) =>
  resolvePaths(
    { user: { uid: userId, isRealRoot: false } },
    { HOME: "/home/x", XDG_RUNTIME_DIR: "/run/x", ...env },
  );

test("directories follow XDG and its defaults", () => {
  expect(user()).toEqual({
    data: "/home/x/.local/share/kelp",
    config: "/home/x/.config/kelp",
    cache: "/home/x/.cache/kelp",
    runtime: "/run/x/kelp",
  });
  expect(user({ XDG_DATA_HOME: "/d", XDG_CONFIG_HOME: "/c", XDG_CACHE_HOME: "/k" })).toEqual({
    data: "/d/kelp",
    config: "/c/kelp",
    cache: "/k/kelp",
    runtime: "/run/x/kelp",
  });
});

test("relative XDG values count as unset", () => {
  expect(user({ XDG_DATA_HOME: "data", XDG_CACHE_HOME: "" })).toMatchObject({
    data: "/home/x/.local/share/kelp",
    cache: "/home/x/.cache/kelp",
  });
});

test("real root gets the system's places, whatever its environment says", () => {
  const paths = resolvePaths(
    { user: { uid: 0, isRealRoot: true } },
    { HOME: "/home/x", XDG_RUNTIME_DIR: "/run/x" },
  );
  expect(paths).toEqual({
    data: "/var/lib/kelp",
    config: "/etc/kelp",
    cache: "/var/cache/kelp",
    runtime: "/run/kelp",
  });
});

test("--root and --runroot replace data and runtime, and are made absolute", () => {
  const paths = resolvePaths(
    { root: "/a/../b", runroot: "r", user: { uid: 1, isRealRoot: false } },
    { HOME: "/h" },
  );
  expect(paths).toMatchObject({ data: "/b", runtime: join(process.cwd(), "r"), config: "/h/.config/kelp" });
  expect(paths.notice).toBeUndefined();
});

test("without XDG_RUNTIME_DIR and /run/user a private temporary directory is used, with a notice", () => {
  const paths = user({ XDG_RUNTIME_DIR: undefined, TMPDIR: root });
  expect(paths.runtime).toBe(join(root, "kelp-run-4000000000"));
  expect(paths.notice).toContain("XDG_RUNTIME_DIR is not set");
});

test("a fallback directory that others planted or may enter is refused with advice", () => {
  const fallback = join(root, `kelp-run-${uid}`);
  const resolve = () =>
    resolvePaths({ user: { uid, isRealRoot: false } }, { HOME: "/h", TMPDIR: root, XDG_RUNTIME_DIR: "" })
      .runtime;
  // Where logind made /run/user/UID the fallback is not reached.
  if (resolve() !== fallback) return;

  mkdirSync(fallback, { mode: 0o700 });
  expect(resolve()).toBe(fallback);
  chmodSync(fallback, 0o777);
  expect(resolve).toThrow(`cannot use runtime directory ${fallback}: others may enter it`);
  rmSync(fallback, { recursive: true });
  mkdirSync(join(root, "elsewhere"), { mode: 0o700 });
  symlinkSync(join(root, "elsewhere"), fallback);
  expect(resolve).toThrow(`cannot use runtime directory ${fallback}: it is not a directory`);
});

test("a fallback directory of another user is refused", () => {
  mkdirSync(join(root, "kelp-run-4000000000"), { mode: 0o700 });
  expect(() => user({ XDG_RUNTIME_DIR: undefined, TMPDIR: root })).toThrow(`it belongs to uid ${uid}`);
});

test("a missing HOME is looked up, not guessed", () => {
  const paths = resolvePaths({ user: { uid: 0, isRealRoot: false } }, { XDG_RUNTIME_DIR: "/run/x" });
  expect(paths.data).toBe("/root/.local/share/kelp");
});

test("a runtime directory that su or sudo passed on of somebody else's is not used", () => {
  const root = mkdtempSync(join(tmpdir(), "kelp-paths-"));
  const env = { HOME: "/h", XDG_RUNTIME_DIR: "/proc/1", TMPDIR: root };
  const paths = resolvePaths({ user: { uid: 4000000000, isRealRoot: false } }, env);
  expect(paths.runtime).toBe(join(root, "kelp-run-4000000000"));
  expect(paths.notice).toBe(
    `XDG_RUNTIME_DIR is /proc/1, which is somebody else's: using ${paths.runtime} for running containers`,
  );
  rmSync(root, { recursive: true });
});
