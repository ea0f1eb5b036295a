/** Which configuration files there are, the weakest first. */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError, errnoCode } from "../base/index.ts";
import { type Environment, errnoText, type Paths, readIfExists } from "../host/index.ts";
import type { ConfigFile } from "./toml.ts";

/**
 * containers.conf of the distribution, the administrator and the user (each with its `.d`), then kelp's
 * own of the administrator and the user. CONTAINERS_CONF stands instead of all of the former,
 * CONTAINERS_CONF_OVERRIDE comes after everything; a file that was named must exist.
 */
export function findConfigFiles(
  paths: Pick<Paths, "config">,
  own: string | undefined,
  env: Environment,
): ConfigFile[] {
  const system = "/etc/kelp/config.toml";
  const user = join(paths.config, "config.toml");
  return [
    ...(env.CONTAINERS_CONF ? [named(env.CONTAINERS_CONF, false)] : containersConf(paths)),
    ...read(system, true),
    ...(own === undefined ? (user === system ? [] : read(user, true)) : [named(own, true)]),
    ...(env.CONTAINERS_CONF_OVERRIDE ? [named(env.CONTAINERS_CONF_OVERRIDE, false)] : []),
  ];
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
