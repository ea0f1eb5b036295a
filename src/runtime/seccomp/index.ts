/** Which filter a container gets. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HostError, log, sha256Hex } from "../../base/index.ts";
import {
  ensureDir,
  loadLibSeccomp,
  resolvePaths,
  type SeccompLibrary,
  writeFileAtomic,
} from "../../host/index.ts";
import type { RuntimeSpec } from "../../oci/index.ts";
import type { ContainerConfig } from "../../state/index.ts";
import { parseSecurityOptions } from "../spec-security.ts";
import aarch64Default from "./default-aarch64.ts";
import x86Default from "./default-x86_64.ts";
import { compileOwnFilter, type FilterArch } from "./own-filter.ts";
import { parseProfile, readProfile } from "./profile.ts";
import { unlockingCapabilities } from "./rules.ts";

export const ARCH: FilterArch = process.arch === "arm64" ? "aarch64" : "x86_64";
/** In the default set, so the filter made ahead of time allows its calls already. */
const ALREADY = "CAP_SYS_CHROOT";

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
export function compiledSeccomp(spec: RuntimeSpec, config: ContainerConfig): Uint8Array | undefined {
  const { seccomp } = parseSecurityOptions(config.securityOpt);
  const bounding = spec.process.capabilities.bounding;
  if (seccomp === "unconfined") return undefined;
  if (seccomp !== "default") return profileFilter(seccomp, bounding);
  if (config.privileged) return undefined;
  const standard = defaultFilter();
  const unlocked = unlockingCapabilities(bounding).filter((name) => name !== ALREADY);
  if (unlocked.length === 0) return standard;
  // The default filter stands for the rules it was made from.
  const filter = cached(["own", ARCH, sha256Hex(standard), ...unlocked], (library) =>
    compileOwnFilter(library, ARCH, new Set([...unlocked, ALREADY])),
  );
  if (filter === undefined) {
    log.warn(
      `libseccomp.so.2 is not installed: system calls that ${unlocked.join(", ")} would unlock stay refused`,
    );
  }
  return filter ?? standard;
}

function defaultFilter(): Uint8Array {
  return Buffer.from(ARCH === "x86_64" ? x86Default : aarch64Default, "base64");
}

function profileFilter(path: string, capabilities: readonly string[]): Uint8Array {
  const text = readProfile(path);
  const program = parseProfile(text, ARCH, new Set(capabilities));
  const filter = cached(["profile", ARCH, text, ...capabilities], (library) => library.compile(program));
  if (filter !== undefined) return filter;
  throw new HostError(
    "libseccomp-missing",
    `cannot use seccomp profile ${path}: libseccomp.so.2 is not installed`,
    {
      hint: "install it (Debian, Ubuntu: libseccomp2; Fedora: libseccomp), or leave the profile out",
    },
  );
}

/** Undefined if it is not in the cache and there is no library to make it with. */
function cached(
  key: readonly string[],
  compile: (library: SeccompLibrary) => Uint8Array,
): Uint8Array | undefined {
  const { cache } = resolvePaths();
  const path = join(cache, `seccomp-${sha256Hex(JSON.stringify(key))}`);
  const found = readFilter(path);
  if (found !== undefined) return found;
  const library = loadLibSeccomp();
  if (library === undefined) return undefined;
  const filter = compile(library);
  ensureDir(cache);
  writeFileAtomic(path, Buffer.concat([Buffer.from(sha256Hex(filter), "hex"), filter]));
  return filter;
}

/** Kept behind its own hash: a file that lost its content in a power cut must not become no filter. */
function readFilter(path: string): Uint8Array | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return undefined;
  }
  const filter = bytes.subarray(32);
  return filter.length > 0 && bytes.subarray(0, 32).toString("hex") === sha256Hex(filter)
    ? filter
    : undefined;
}
