/** Finding out whether a registry believes credentials, before anybody remembers them. */
import { RegistryError } from "../base/index.ts";
import { type AccessContext, type AccessOptions, RegistryAccess } from "./access.ts";
import type { Credentials } from "./credentials.ts";

/** @throws {RegistryError} `login-refused`, in podman's words */
export async function verifyLogin(
  ctx: AccessContext,
  options: AccessOptions,
  host: string,
  credentials: Credentials,
): Promise<void> {
  const access = await RegistryAccess.open(ctx, { ...options, credentials });
  try {
    await access.registry(host).ping();
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const refused = error.code === "unauthorized" || error.code === "denied";
    const reason = refused
      ? "invalid username/password"
      : `authenticating creds for ${JSON.stringify(host)}: ${error.message}`;
    throw new RegistryError(
      refused ? "login-refused" : error.code,
      refused ? `logging into ${JSON.stringify(host)}: ${reason}` : reason,
      { cause: error, ...(error.hint === undefined ? {} : { hint: error.hint }) },
    );
  }
}

/** The registry's name in what a person types: a URL's host, or the first part of a repository. */
export function loginKey(text: string): { readonly host: string; readonly key: string } {
  const key = text.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  const host = key.split("/")[0] ?? "";
  if (/^[\w.-]+(:\d+)?$|^\[[0-9a-fA-F:]+\](:\d+)?$/.test(host) && !/[:@]/.test(key.slice(host.length)))
    return { host, key: key === "index.docker.io/v1" || host === "index.docker.io" ? "docker.io" : key };
  throw new RegistryError(
    "registry-invalid",
    `cannot log in to ${JSON.stringify(text)}: it is not the name of a registry`,
  );
}
