/** `import`: an image of one layer from a root filesystem's tar. */

import { StorageError } from "../base/index.ts";
import { type Digest, localName } from "../oci/index.ts";
import type { Context } from "../state/index.ts";
import { hasLeftovers, type LayerSource, sweepStore } from "../storage/index.ts";
import { applyChanges } from "./change.ts";
import { type ImageInput, type InputSource, openInput, uncompressed } from "./input.ts";
import { jobRunner } from "./inside.ts";
import { layerSource } from "./layer-source.ts";
import { hostArchitecture } from "./platform.ts";
import { type StoredImage, storeImage } from "./store-image.ts";

export interface ImportOptions {
  readonly reference?: string | undefined;
  readonly changes?: readonly string[];
  readonly message?: string | undefined;
  readonly architecture?: string | undefined;
  readonly os?: string | undefined;
  readonly variant?: string | undefined;
}

/** @throws {UsageError | StorageError} with nothing left behind */
export async function importRootfs(
  ctx: Context,
  source: InputSource,
  options: ImportOptions,
): Promise<StoredImage> {
  const names = options.reference === undefined ? [] : [localName(options.reference)];
  const config = applyChanges(options.changes ?? []);
  let input = await openInput(ctx, source);
  try {
    if (input.compression === "bzip2" || input.compression === "xz") input = await uncompressed(ctx, input);
    const layer = rootfsLayer(input);
    const now = new Date().toISOString();
    const makeConfig = ([diffId]: readonly Digest[]) =>
      Buffer.from(
        JSON.stringify({
          created: now,
          architecture: options.architecture ?? hostArchitecture(),
          os: options.os ?? "linux",
          ...(options.variant === undefined ? {} : { variant: options.variant }),
          config,
          rootfs: { type: "layers", diff_ids: [diffId] },
          history: [{ created: now, comment: options.message ?? `Imported from ${input.name}` }],
        }),
      );
    return await storeImage(ctx, { config: makeConfig, layers: [layer], names });
  } finally {
    input.dispose();
    if (hasLeftovers(ctx)) await sweepStore(ctx, jobRunner(ctx));
  }
}

function rootfsLayer(input: ImageInput): LayerSource {
  if (input.kind === "directory" || input.size === 0) {
    const what = input.kind === "directory" ? "a directory" : "empty";
    throw new StorageError("archive-format", `cannot import ${input.name}: it is ${what}, not a tar archive`);
  }
  return layerSource({ path: input.path, offset: 0, size: input.size }, "root filesystem");
}
