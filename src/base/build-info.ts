/**
 * What the build knows and a running kelp wants to tell: version, commit, and where the files
 * carried inside the executable are. `scripts/build.mjs` defines KELP_BUILD; a run from source
 * (`bun test`) has none and finds the same files in `dist/assets`.
 */
import { join } from "node:path";

interface BuildInfo {
  readonly version: string;
  readonly commit: string;
  /** Seconds since the epoch: SOURCE_DATE_EPOCH, else the commit's time; 0 if neither is known. */
  readonly time: number;
  /** SHA-256 of each file carried inside; empty in a run from source: nobody has fixed its content there. */
  readonly assets: Readonly<Record<AssetName, string>>;
}

/** Files that travel inside the executable. */
export type AssetName = "holdfast" | "hello.tar" | "koffi.node";

declare const KELP_BUILD: BuildInfo | undefined;

const FROM_SOURCE: BuildInfo = {
  version: "0.0.0-source",
  commit: "unknown",
  time: 0,
  assets: { holdfast: "", "hello.tar": "", "koffi.node": "" },
};

export const BUILD: BuildInfo = typeof KELP_BUILD === "undefined" ? FROM_SOURCE : KELP_BUILD;

/** Whether this is the compiled executable, with its assets inside. */
export const IS_COMPILED = BUILD !== FROM_SOURCE;

/**
 * Where an embedded file can be read. In the executable this path exists for `node:fs` of this
 * process only: no other program can open or execute it, so it must be written out first.
 */
export function assetPath(name: AssetName): string {
  const parent = IS_COMPILED ? "/$bunfs/root" : join(import.meta.dirname, "..", "..", "dist");
  return join(parent, "assets", name);
}
