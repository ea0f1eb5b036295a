/** `image inspect`: everything about an image under podman's names. */
import type { ImageRunConfig } from "../oci/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import { layerDir } from "../storage/index.ts";
import { imageConfig, imageManifest } from "./documents.ts";
import { splitName } from "./list.ts";
import { parentOf } from "./relations.ts";

export interface ImageInspect {
  readonly Id: string;
  readonly Digest: string;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  readonly Parent: string;
  readonly Comment: string;
  readonly Created: string;
  readonly Config: ImageRunConfig;
  readonly Version: string;
  readonly Author: string;
  readonly Architecture: string;
  readonly Os: string;
  readonly Size: number;
  readonly VirtualSize: number;
  readonly GraphDriver: { readonly Name: string; readonly Data: Readonly<Record<string, string>> };
  readonly RootFS: { readonly Type: string; readonly Layers: readonly string[] };
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly Annotations: Readonly<Record<string, string>>;
  readonly ManifestType: string;
  readonly User: string;
  readonly History: readonly object[];
  readonly NamesHistory: readonly string[];
}

/** @param driver name of the storage driver that shows it */
export function inspectImage(ctx: Context, image: ImageRecord, driver = "overlay"): ImageInspect {
  const config = imageConfig(image);
  const { manifest } = imageManifest(ctx, image);
  const dirs = image.layers.map((row) => layerDir(ctx.paths, row));
  return {
    Id: image.id,
    Digest: image.manifestDigest,
    RepoTags: image.names,
    RepoDigests: repoDigests(image),
    Parent: parentOf(image, ctx.state.images.list())?.id ?? "",
    Comment: config.history.at(-1)?.comment ?? config.comment ?? "",
    Created: config.created ?? new Date(image.created).toISOString(),
    Config: config.config,
    Version: config.docker_version ?? "",
    Author: config.author ?? "",
    Architecture: config.architecture,
    Os: config.os,
    Size: image.size,
    VirtualSize: image.size,
    GraphDriver: { Name: driver, Data: graphData(dirs) },
    RootFS: { Type: "layers", Layers: config.diffIds },
    Labels: config.config.Labels ?? null,
    Annotations: manifest.annotations ?? {},
    ManifestType: manifest.mediaType,
    User: config.config.User ?? "",
    History: config.history,
    NamesHistory: [...image.names, ...image.formerNames],
  };
}

function graphData(dirs: readonly string[]): Record<string, string> {
  const lower = dirs.slice(0, -1).reverse().join(":");
  return { ...(lower === "" ? {} : { LowerDir: lower }), UpperDir: dirs.at(-1) ?? "" };
}

/** What it was fetched as, and each of its repositories with its digests. */
export function repoDigests(image: ImageRecord): string[] {
  const found = new Set(image.repoDigests);
  for (const name of image.names) {
    for (const digest of [image.manifestDigest, ...image.digests])
      found.add(`${splitName(name).repository}@${digest}`);
  }
  return [...found].sort();
}
