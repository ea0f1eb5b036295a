/** Which configuration files there are, the weakest first. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { ConfigError, errnoCode } from "../base/index.ts";
import { type Environment, errnoText, type Paths, readIfExists } from "../host/index.ts";
import type { ConfigFile } from "./toml.ts";

/**
 * containers.conf of the distribution, the administrator and the user (each with its `.d`), then kelp's
 * own of the administrator and the user. CONTAINERS_CONF stands instead of all of the former,
 * modules follow them in the order given, CONTAINERS_CONF_OVERRIDE comes after everything; a file that was named must exist.
 */
export function findConfigFiles(
  paths: Pick<Paths, "config">,
  { own, modules = [] }: { own?: string | undefined; modules?: readonly string[] | undefined },
  env: Environment,
): ConfigFile[] {
  const system = "/etc/kelp/config.toml";
  const user = join(paths.config, "config.toml");
  return [
    ...(env.CONTAINERS_CONF ? [named(env.CONTAINERS_CONF, false)] : containersConf(paths)),
    ...modules.map((module) => named(modulePath(paths, module), false)),
    ...read(system, true),
    ...(own === undefined ? (user === system ? [] : read(user, true)) : [named(own, true)]),
    ...(env.CONTAINERS_CONF_OVERRIDE ? [named(env.CONTAINERS_CONF_OVERRIDE, false)] : []),
  ];
}

/** Where podman looks for a module that is no absolute path, the user's own first. */
export function moduleDirectories(paths: Pick<Paths, "config">): string[] {
  const user = join(dirname(paths.config), "containers");
  return [...new Set([user, "/etc/containers", "/usr/share/containers"])].map((directory) =>
    join(directory, "containers.conf.modules"),
  );
}

function modulePath(paths: Pick<Paths, "config">, module: string): string {
  if (isAbsolute(module)) return module;
  const candidates = moduleDirectories(paths).map((directory) => join(directory, module));
  return candidates.find((path) => existsSync(path)) ?? module;
}

function containersConf(paths: Pick<Paths, "config">): ConfigFile[] {
  const user = join(dirname(paths.config), "containers", "containers.conf");
  const places = ["/usr/share/containers/containers.conf", "/etc/containers/containers.conf", user];
  return [...new Set(places)].flatMap((path) => [...read(path, false), ...dropIns(`${path}.d`)]);
}

function dropIns(directory: string): ConfigFile[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith(".conf"))
    .sort()
    .flatMap((name) => read(join(directory, name), false));
}

function read(path: string, own: boolean): ConfigFile[] {
  try {
    const text = readIfExists(path);
    return text === undefined ? [] : [{ path, text, own }];
  } catch (error) {
    throw unreadable(path, error);
  }
}

function named(path: string, own: boolean): ConfigFile {
  const [file] = read(path, own);
  if (file === undefined) throw unreadable(path, { code: "ENOENT" });
  return file;
}

function unreadable(path: string, error: unknown): ConfigError {
  const code = errnoCode(error);
  return new ConfigError("config-unreadable", `cannot read ${path}: ${errnoText(code) ?? code ?? error}`, {
    cause: error,
  });
}
