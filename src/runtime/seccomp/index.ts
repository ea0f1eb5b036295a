/** Which filter a container gets. */
import type { RuntimeSpec } from "../../oci/index.ts";
import type { ContainerConfig } from "../../state/index.ts";
import { defaultCapabilities } from "../spec-capabilities.ts";
import { parseSecurityOptions } from "../spec-security.ts";
import { ARCH } from "./arch.ts";

/**
 * The program for the kernel; undefined: none (`unconfined`, --privileged).
 *
 * The default filter comes ready from the executable. A profile file, and what added capabilities unlock, are
 * compiled by the system's libseccomp once and kept in the cache under the hash of what they were made from.
 * Where that library is missing, added capabilities unlock nothing, with a warning.
 *
 * @throws {UsageError} for a profile that cannot be read or understood
 * @throws {HostError} for a profile on a machine without libseccomp
 */
export async function compiledSeccomp(
  spec: RuntimeSpec,
  config: ContainerConfig,
): Promise<Uint8Array | undefined> {
  const { seccomp } = parseSecurityOptions(config.securityOpt);
  const bounding = spec.process.capabilities.bounding;
  if (seccomp === "unconfined") return undefined;
  if (seccomp !== "default") return (await import("./made.ts")).profileFilter(seccomp, bounding);
  if (config.privileged) return undefined;
  const standard = await defaultFilter();
  const usual = new Set(defaultCapabilities());
  if (bounding.every((name) => usual.has(name))) return standard;
  return (await import("./made.ts")).unlockedFilter(standard, bounding);
}

async function defaultFilter(): Promise<Uint8Array> {
  const { default: text } =
    ARCH === "x86_64" ? await import("./default-x86_64.ts") : await import("./default-aarch64.ts");
  return Buffer.from(text, "base64");
}
