/** Putting kelp in place in each of its ways, and getting rid of it and of everything it has made. */
import { expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { KELP, ROOT, requires, run, useSandbox } from "../support/index.ts";

const box = useSandbox("340-install", { CONTAINERS_CONF: "/dev/null" });

function filesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function ok(command: string, args: readonly string[], cwd = ROOT): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, {
    cwd,
    timeout: 120_000,
    env: { ...box.env, npm_config_offline: "true" },
  });
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} exited with ${code}:\n${stdout}${stderr}`);
  return stdout.trim();
}

const version = async (program: string) => (await run(program, ["--version"], { env: box.env })).stdout;

test("make install puts everything in place, make uninstall takes all of it away", async () => {
  const prefix = join(box.directory, "prefix");
  await ok("make", ["install", `PREFIX=${prefix}`]);
  expect(await version(join(prefix, "bin", "kelp"))).toStartWith("kelp version ");
  const pages = readdirSync(join(ROOT, "man")).length;
  expect(filesIn(join(prefix, "share", "man")).length).toBe(pages);
  expect(filesIn(prefix).length).toBe(pages + 4);
  await ok("make", ["uninstall", `PREFIX=${prefix}`]);
  expect(filesIn(prefix)).toEqual([]);
}, 120_000);

test("the packed tarball installs with npm, without a network, and goes again", async () => {
  const prefix = join(box.directory, "global");
  await ok("node", [join(ROOT, "scripts", "pack.mjs"), box.directory]);
  const tarball = filesIn(join(box.directory, "npm")).find((path) => path.endsWith(".tgz")) as string;
  await ok("npm", ["install", "--global", "--prefix", prefix, tarball], box.directory);
  expect(await version(join(prefix, "bin", "kelp"))).toStartWith("kelp version ");
  expect(filesIn(join(prefix, "share", "man")).length).toBeGreaterThan(90);
  await ok("npm", ["uninstall", "--global", "--prefix", prefix, "kelp"], box.directory);
  expect(filesIn(prefix).filter((path) => /kelp/.test(path.slice(prefix.length)))).toEqual([]);
}, 180_000);

requires("subuid", "overlay").test(
  "a copied file works alone; system reset and the documented rm leave nothing of what it made",
  async () => {
    const kelp = join(box.directory, "home", "kelp");
    copyFileSync(KELP, kelp);
    const call = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(kelp, args, { env: box.env, timeout: 60_000 });
      if (code !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
      return stdout;
    };
    expect(await call("run", "--name", "t340", "hello")).toContain("container");
    await call("volume", "create", "t340");
    await call("network", "create", "t340");
    await run(kelp, ["secret", "create", "t340", "-"], { env: box.env, stdin: "s" });
    await call("run", "-d", "--name", "live", "-v", "t340:/v", "hello");
    const places = ["data", "config", "cache"].map((name) => join(box.directory, name, "kelp"));
    places.push(join(box.runtime, "kelp"));
    expect(places.filter((place) => readdirSync(place).length > 0)).toEqual(places);
    await call("system", "reset", "--force");
    expect(filesIn(join(box.directory, "data", "kelp"))).toEqual([]);
    const rm = (await call("help", "uninstall")).match(/^ *(rm -rf .*)$/m)?.[1] as string;
    expect(rm).toContain("$XDG_RUNTIME_DIR/kelp");
    const script = rm
      .replaceAll("~/.local/share", "$XDG_DATA_HOME")
      .replaceAll("~/.config", "$XDG_CONFIG_HOME")
      .replaceAll("~/.cache", "$XDG_CACHE_HOME");
    await ok("sh", ["-c", script]);
    expect(places.filter((place) => existsSync(place))).toEqual([]);
    rmSync(kelp);
    mkdirSync(join(box.directory, "home"), { recursive: true });
    expect(filesIn(join(box.directory, "home")).filter((path) => !path.includes(".npm"))).toEqual([]);
  },
  120_000,
);
