/** The environment kelp was started with, for those who pass parts of it on (`--env NAME`, proxies, sd_notify). */
import type { Environment } from "../host/index.ts";

/** Read at call time; nobody else touches `process.env`. */
export function hostEnvironment(): Environment {
  return process.env;
}

const PROXY_VARIABLES = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"];

/** Proxy variables that are set, `NAME=value`, in both spellings as set. */
export function proxyVariables(env: Environment = process.env): string[] {
  return [...PROXY_VARIABLES, ...PROXY_VARIABLES.map((name) => name.toUpperCase())]
    .filter((name) => env[name] !== undefined && env[name] !== "")
    .map((name) => `${name}=${env[name]}`);
}
