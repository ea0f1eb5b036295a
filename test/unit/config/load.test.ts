import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS, loadSettings } from "../../../src/config/index.ts";
import type { Paths } from "../../../src/host/index.ts";

let root: string;
let paths: Paths;
/** An empty file in its place keeps the machine's own containers.conf out of these tests. */
let env: Record<string, string>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-unit-"));
  paths = { data: join(root, "data"), config: join(root, "config", "kelp"), cache: root, runtime: root };
  mkdirSync(paths.config, { recursive: true });
  env = { CONTAINERS_CONF: write("none.conf", "") };
});
afterEach(() => rmSync(root, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(root, name);
  writeFileSync(path, text);
  return path;
}

test("without files everything is built in", async () => {
  expect(await loadSettings(paths, {}, env)).toEqual({ ...DEFAULTS, origins: {} });
});

test("the user's own file sets values and is named as their origin", async () => {
  const own = write(
    "config/kelp/config.toml",
    `[containers]
    shm_size = "128m"
    log_size_max = 4000
    env_host = true
    dns_servers = ["10.0.0.1"]
    [engine]
    stop_timeout = 3
    [storage]
    driver = "vfs"`,
  );
  const settings = await loadSettings(paths, {}, env);
  expect(settings).toMatchObject({
    shmSize: 128 * 2 ** 20,
    logSizeMax: 4000,
    envHost: true,
    dnsServers: ["10.0.0.1"],
    stopTimeout: 3,
    storageDriver: "vfs",
  });
  expect(settings.origins.shmSize).toBe(own);
  expect(settings.origins.umask).toBeUndefined();
});

test("later sources win: containers.conf, own file, override file, environment, command line", async () => {
  env.CONTAINERS_CONF = write("a.conf", `[containers]\ntz = "a"\numask = "0001"\nlog_tag = "a"`);
  write("config/kelp/config.toml", `[containers]\ntz = "own"\numask = "0002"\n[storage]\ndriver = "vfs"`);
  env.CONTAINERS_CONF_OVERRIDE = write("b.conf", `[containers]\ntz = "override"`);
  expect(await loadSettings(paths, {}, env)).toMatchObject({ tz: "override", umask: "0002", logTag: "a" });
  env.STORAGE_DRIVER = "overlay";
  const byEnvironment = await loadSettings(paths, {}, env);
  expect([byEnvironment.storageDriver, byEnvironment.origins.storageDriver]).toEqual([
    "overlay",
    "STORAGE_DRIVER",
  ]);
  const byOption = await loadSettings(paths, { storageDriver: "fuse-overlayfs" }, env);
  expect([byOption.storageDriver, byOption.origins.storageDriver]).toEqual([
    "fuse-overlayfs",
    "--storage-driver",
  ]);
});

test("the user's containers.conf and its drop-ins are read in order", async () => {
  const containers = join(root, "config", "containers");
  mkdirSync(join(containers, "containers.conf.d"), { recursive: true });
  writeFileSync(join(containers, "containers.conf"), `[containers]\ntz = "main"\nlog_tag = "main"`);
  writeFileSync(join(containers, "containers.conf.d", "20.conf"), `[containers]\ntz = "20"`);
  writeFileSync(join(containers, "containers.conf.d", "10.conf"), `[containers]\ntz = "10"`);
  writeFileSync(join(containers, "containers.conf.d", "30.txt"), "not read");
  expect(await loadSettings(paths, {}, {})).toMatchObject({ tz: "20", logTag: "main" });
});

test("a list replaces the earlier one unless it says append", async () => {
  env.CONTAINERS_CONF = write("a.conf", `[containers]\nenv = ["A=1"]`);
  env.CONTAINERS_CONF_OVERRIDE = write("b.conf", `[containers]\nenv = ["B=2"]`);
  expect((await loadSettings(paths, {}, env)).env).toEqual(["B=2"]);
  write("b.conf", `[containers]\nenv = ["B=2", {append = true}]`);
  expect((await loadSettings(paths, {}, env)).env).toEqual(["A=1", "B=2"]);
});

test("a list that said append goes on growing, until a later file says no", async () => {
  env.CONTAINERS_CONF = write("a.conf", `[containers]\nenv = ["A=1", {append = true}]`);
  const modules = [write("b.conf", `[containers]\nenv = ["B=2"]`)];
  expect((await loadSettings(paths, { modules }, env)).env).toEqual(["A=1", "B=2"]);
  modules.push(write("c.conf", `[containers]\nenv = ["C=3", {append = false}]`));
  expect((await loadSettings(paths, { modules }, env)).env).toEqual(["C=3"]);
});

test("podman's own keys are left to podman, and its store is not ours", async () => {
  env.CONTAINERS_CONF = write(
    "a.conf",
    `[engine]\nruntime = "runc"\nnum_locks = 5\n[machine]\ncpus = 1\n[storage]\ndriver = "btrfs"`,
  );
  expect(await loadSettings(paths, {}, env)).toMatchObject({ storageDriver: "" });
});

test("a mistake in a file is named with file and place", async () => {
  const own = join(paths.config, "config.toml");
  const failing = async (text: string) => {
    writeFileSync(own, text);
    return loadSettings(paths, {}, env).then(
      () => "",
      (error: Error) => error.message,
    );
  };
  expect(await failing("[containers]\ntz = \nx = 1")).toStartWith(`cannot read ${own}, line 2: `);
  expect(await failing("[containers]\ntimezone = 'x'")).toBe(
    `cannot read ${own}: unknown key containers.timezone`,
  );
  expect(await failing("[container]\ntz = 'x'")).toBe(`cannot read ${own}: unknown key [container]`);
  expect(await failing("[containers]\ninit = 1")).toBe(
    `cannot read ${own}: containers.init must be true or false`,
  );
  expect(await failing("[containers]\nshm_size = '1x'")).toBe(
    `cannot read ${own}: containers.shm_size must be a size such as 64m`,
  );
  expect(await failing("[containers]\nenv = 'A=1'")).toBe(
    `cannot read ${own}: containers.env must be a list of strings`,
  );
});

test("a file that was named must exist, one that was not need not", async () => {
  const missing = join(root, "missing.toml");
  expect(loadSettings(paths, { config: missing }, env)).rejects.toThrow(
    `cannot read ${missing}: no such file or directory`,
  );
  expect(loadSettings(paths, {}, { CONTAINERS_CONF: missing })).rejects.toThrow("no such file");
});

test("--config stands instead of the user's own file", async () => {
  write("config/kelp/config.toml", `[containers]\ntz = "user"\numask = "0077"`);
  const other = write("other.toml", `[containers]\ntz = "other"`);
  expect(await loadSettings(paths, { config: other }, env)).toMatchObject({
    tz: "other",
    umask: DEFAULTS.umask,
  });
});

test("a line that looks like a comment inside a string is part of it", async () => {
  env.CONTAINERS_CONF = write("a.conf", '# comment\n[containers]\nlog_tag = """a\n# b"""');
  expect((await loadSettings(paths, {}, env)).logTag).toBe("a\n# b");
});

test("emptied comments leave the numbers of lines alone", async () => {
  env.CONTAINERS_CONF = write("a.conf", "# one\n  # two\n[containers]\ntz = \n");
  expect(loadSettings(paths, {}, env)).rejects.toThrow("a.conf, line 4: ");
});
