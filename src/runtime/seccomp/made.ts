/** Filters that the executable does not carry: compiled by the system's libseccomp once, and kept in the cache. */
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
import { ARCH } from "./arch.ts";
import { compileOwnFilter } from "./own-filter.ts";
import { parseProfile, readProfile } from "./profile.ts";
import { unlockingCapabilities } from "./rules.ts";

/** In the default set, so the filter made ahead of time allows its calls already. */
const ALREADY = "CAP_SYS_CHROOT";

/** The default filter with the calls that these capabilities unlock. @param standard the default filter */
export function unlockedFilter(standard: Uint8Array, capabilities: readonly string[]): Uint8Array {
  const unlocked = unlockingCapabilities(capabilities).filter((name) => name !== ALREADY);
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

/** @throws {UsageError | HostError} see {@link compiledSeccomp} */
export function profileFilter(path: string, capabilities: readonly string[]): Uint8Array {
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
