/**
 * The native half of koffi, without its JavaScript: `import "koffi"` looks for a file beside
 * itself, which a compiled executable does not have. The bundler embeds what a literal `require`
 * of a `.node` file names, and leaves out what is not installed.
 */
import { HostError } from "../base/index.ts";

/** The part of koffi's interface that libc.ts uses. */
export interface Koffi {
  load(path: null): { func(prototype: string): (...values: unknown[]) => number };
  errno(): number;
  readonly os: { readonly errno: Readonly<Record<string, number>> };
}

/** @throws {HostError} `native-library-missing` if koffi does not run here */
export function loadKoffi(): Koffi {
  let reason: unknown = `it is not built for ${process.arch}`;
  try {
    if (process.arch === "x64") return require("@koromix/koffi-linux-x64/linux_x64/koffi.node");
    if (process.arch === "arm64") return require("@koromix/koffi-linux-arm64/linux_arm64/koffi.node");
  } catch (error) {
    reason = error instanceof Error ? error.message : error;
  }
  throw new HostError("native-library-missing", `cannot load the native library koffi: ${reason}`, {
    hint: "install kelp for this machine's architecture again",
  });
}
