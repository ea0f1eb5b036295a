/** Settings from the environment and the command line, and what the reference says of keys. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GLOBAL_OPTIONS, readGlobals } from "../../../src/cli/globals.ts";
import {
  chosenMountProgram,
  KEY_TEXTS,
  KEYS,
  loadSettings,
  OUTER,
  type OuterName,
  type SettingsOverrides,
} from "../../../src/config/index.ts";

let root: string;
let env: Record<string, string>;
const paths = () => ({ config: join(root, "config", "kelp") });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-unit-"));
  mkdirSync(paths().config, { recursive: true });
  writeFileSync(join(root, "none.conf"), "");
  env = { CONTAINERS_CONF: join(root, "none.conf") };
});
afterEach(() => rmSync(root, { recursive: true }));

const CASES: Readonly<
  Record<OuterName, readonly [key: string, file: string, variable: string, flag: string[]]>
> = {
  root: ["storage.root", '"/a"', "/b", ["--root", "/c"]],
  runroot: ["storage.runroot", '"/a"', "/b", ["--runroot", "/c"]],
  storageDriver: ["storage.driver", '"overlay"', "vfs", ["--storage-driver", "fuse-overlayfs"]],
  storageOpts: [
    "storage.options",
    '["mount_program=/a"]',
    "mount_program=/b",
    ["--storage-opt", ".mount_program=/c"],
  ],
  volumePath: ["storage.volume_path", '"/a"', "/b", ["--volumepath", "/c"]],
  logLevel: ["engine.log_level", '"info"', "debug", ["--log-level", "error"]],
  noout: ["engine.noout", "true", "false", ["--noout"]],
  cgroupManager: ["engine.cgroup_manager", '"cgroupfs"', "cgroupfs", ["--cgroup-manager", "cgroupfs"]],
  networkCmdPath: ["engine.network_cmd_path", '"/a"', "/b", ["--network-cmd-path", "/c"]],
  runtime: ["engine.runtime", '"crun"', "runc", ["--runtime", "youki"]],
  runtimeFlags: ["engine.runtime_flags", '["a"]', "b", ["--runtime-flag", "c"]],
  eventsLogger: ["engine.events_logger", '"none"', "file", ["--events-backend", "none"]],
};

for (const [name, [key, inFile, variable, [flag, value]]] of Object.entries(CASES)) {
  test(`${name}: its key, then its variable, then ${flag} win, and are named as the origin`, async () => {
    const own = join(paths().config, "config.toml");
    const [section, word] = key.split(".");
    writeFileSync(own, `[${section}]\n${word} = ${inFile}\n`);
    const setting = name as OuterName;
    const outer = OUTER[setting];
    expect(outer.flag).toBe(flag as typeof outer.flag);
    const origins: unknown[] = [];
    const look = async (overrides: SettingsOverrides) => {
      const settings = await loadSettings(paths(), overrides, env);
      origins.push(settings.origins[setting]);
      return settings[setting];
    };
    const values = [await look({})];
    const lastVariable = outer.env.at(-1) as string;
    env[lastVariable] = variable;
    values.push(await look({}));
    const uses = [{ name: (flag as string).slice(2), value: value ?? "true" }];
    values.push(await look(readGlobals(uses)));
    expect(origins).toEqual([own, lastVariable, flag]);
    const list = (text: unknown) => (setting === "storageOpts" || setting === "runtimeFlags" ? [text] : text);
    const typed = setting === "noout" ? [true, false, true] : undefined;
    expect(values).toEqual((typed as typeof values) ?? [JSON.parse(inFile), list(variable), list(value)]);
  });
}

test("every setting with a variable has a global option of that name", () => {
  for (const { flag } of Object.values(OUTER)) expect(Object.keys(GLOBAL_OPTIONS)).toContain(flag.slice(2));
});

test("every key has a text, and every text a key", () => {
  const names = (table: Readonly<Record<string, object>>) =>
    Object.fromEntries(Object.entries(table).map(([section, keys]) => [section, Object.keys(keys).sort()]));
  expect(names(KEY_TEXTS)).toEqual(names(KEYS));
});

test("KELP_CONFIG names the file instead of the user's own, and --config wins", async () => {
  for (const name of ["a", "b"]) writeFileSync(join(root, name), `[containers]\ntz = "${name}"`);
  writeFileSync(join(paths().config, "config.toml"), '[containers]\ntz = "own"');
  env.KELP_CONFIG = join(root, "a");
  expect((await loadSettings(paths(), {}, env)).tz).toBe("a");
  expect((await loadSettings(paths(), { config: join(root, "b") }, env)).tz).toBe("b");
});

test("what cannot be honoured is refused by name, with who said it", async () => {
  const message = async (overrides: SettingsOverrides) =>
    loadSettings(paths(), overrides, env).then(
      () => "",
      (error: Error) => error.message,
    );
  expect(await message({ cgroupManager: "docker" })).toBe(
    'unknown cgroup manager "docker" (--cgroup-manager)',
  );
  expect(await message({ storageOpts: ["overlay.size=1G"] })).toBe(
    'cannot use storage option "overlay.size=1G" (--storage-opt): the drivers know mount_program=/PATH only',
  );
  env.KELP_NOOUT = "perhaps";
  expect(await message({})).toBe("cannot use KELP_NOOUT=perhaps: it must be true or false");
});

test("podman's cgroup manager is podman's affair", async () => {
  writeFileSync(join(root, "none.conf"), '[engine]\ncgroup_manager = "systemd"');
  expect((await loadSettings(paths(), {}, env)).cgroupManager).toBe("");
});

test("the overlay program of the last storage option counts", () => {
  expect(chosenMountProgram({ storageOpts: [] })).toBeUndefined();
  expect(chosenMountProgram({ storageOpts: ["overlay.mount_program=/a", ".mount_program=/b"] })).toBe("/b");
});
