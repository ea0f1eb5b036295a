/** Where holdfast is: unpacked from the executable once, or in a source checkout where make left it. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { HostError, IS_COMPILED } from "../base/index.ts";
import { type Paths, unpackedAsset } from "../host/index.ts";

/**
 * Path of a holdfast that is the one this kelp was built with.
 *
 * @throws {HostError} with code `holdfast-missing` in a checkout that was not built
 */
export function holdfastPath(paths: Paths): string {
  return IS_COMPILED ? unpackedAsset(paths.cache, "holdfast") : sourceHoldfast();
}

function sourceHoldfast(): string {
  const path = join(import.meta.dirname, "..", "..", "native", "build", "holdfast");
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  throw new HostError("holdfast-missing", `cannot find holdfast at ${path}: it has not been built`, {
    hint: "run `npm run build`",
  });
}
