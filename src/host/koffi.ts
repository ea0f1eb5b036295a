/**
 * The native half of koffi, without its JavaScript: `import "koffi"` looks for a file beside itself,
 * which a compiled executable does not have, and Bun would unpack an embedded one under a name that
 * can be guessed into the temporary directory, which is everybody's.
 */
import { createRequire } from "node:module";
import { HostError, IS_COMPILED, KelpError } from "../base/index.ts";
import { unpackedAsset } from "./assets.ts";
import { resolvePaths } from "./paths.ts";

/** The part of koffi's interface that libc.ts uses. */
export interface Koffi {
  load(path: null): { func(prototype: string): (...values: unknown[]) => number };
  errno(): number;
  readonly os: { readonly errno: Readonly<Record<string, number>> };
}

/** @throws {HostError} `native-library-missing` if koffi does not run here */
export function loadKoffi(): Koffi {
  const module = { exports: {} };
  try {
    process.dlopen(module, libraryPath());
  } catch (error) {
    if (error instanceof KelpError) throw error;
    const reason = error instanceof Error ? error.message : error;
    throw new HostError("native-library-missing", `cannot load the native library koffi: ${reason}`, {
      hint: hintFor(String(reason)),
      cause: error,
    });
  }
  return module.exports as Koffi;
}

function hintFor(reason: string): string {
  return reason.includes("libstdc++")
    ? "install it: apt-get install libstdc++6 (Fedora, openSUSE: libstdc++; Arch: gcc-libs)"
    : "kelp's cache directory must not be on a noexec mount";
}

function libraryPath(): string {
  if (IS_COMPILED) return unpackedAsset(resolvePaths().cache, "koffi.node");
  const { arch } = process;
  return createRequire(import.meta.url).resolve(`@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`);
}
