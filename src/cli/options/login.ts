/** What login and logout share: which file, which registry. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../base/index.ts";
import { type AuthOptions, loadRegistriesConf, loginKey, searchRegistries } from "../../registry/index.ts";
import type { Context } from "../../state/index.ts";
import type { Globals, OptionTable } from "../command.ts";

export const LOGIN_FILE_OPTIONS = {
  authfile: {
    kind: "string",
    value: "FILE",
    text: "File of credentials instead of auth.json",
    completes: "file",
  },
  "compat-auth-file": {
    kind: "string",
    value: "FILE",
    text: "The same in docker's manner",
    completes: "file",
  },
} as const satisfies OptionTable;

interface FileFlags {
  readonly authfile?: string | undefined;
  readonly "compat-auth-file"?: string | undefined;
}

/** @throws {UsageError} `arguments-conflict` */
export function authOptions(ctx: Context, flags: FileFlags, globals: Globals): AuthOptions {
  if (flags.authfile !== undefined && flags["compat-auth-file"] !== undefined) {
    throw new UsageError(
      "arguments-conflict",
      "options for paths to the credential file and to the Docker-compatible credential file can not be set simultaneously",
    );
  }
  const docker = dockerConfig(globals.config);
  return {
    paths: ctx.paths,
    authFile: flags.authfile ?? docker,
    compatAuthFile: flags["compat-auth-file"],
  };
}

/** podman's global `--config` names docker's directory; ours a file of settings. */
export function dockerConfig(config: string | undefined): string | undefined {
  if (config === undefined || (existsSync(config) && !statSync(config).isDirectory())) return undefined;
  return join(config, "config.json");
}

/** The registry that was named, else the first of the search list. */
export async function namedRegistry(
  ctx: Context,
  name: string | undefined,
): Promise<ReturnType<typeof loginKey>> {
  if (name !== undefined) return loginKey(name);
  const first = searchRegistries(await loadRegistriesConf(ctx.paths)).registries[0];
  return loginKey(first ?? "docker.io");
}

/** A `--config` that names docker's directory is no file of settings. */
export function settingsOnly(globals: Globals): Globals {
  if (dockerConfig(globals.config) === undefined) return globals;
  return { ...globals, config: undefined, settings: undefined };
}
