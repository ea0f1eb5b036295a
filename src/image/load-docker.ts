/** docker-archive: `manifest.json` lists configs, tags and layers (docker save, podman save). */
import { StorageError } from "../base/index.ts";
import {
  dockerReference,
  formatReference,
  MAX_CONFIG,
  MAX_LAYERS,
  MAX_MANIFEST,
  parseReference,
  parseStrictJson,
} from "../oci/index.ts";
import { type ArchiveFiles, missing, readFile } from "./archive-files.ts";
import { layerSource } from "./layer-source.ts";
import type { NewImage } from "./store-image.ts";

interface DockerItem {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

/** @throws {StorageError} */
export function readDockerArchive(files: ArchiveFiles): NewImage[] {
  const document = parseStrictJson(
    readFile(files, "manifest.json", MAX_MANIFEST),
    "manifest.json",
    MAX_MANIFEST,
  );
  if (!Array.isArray(document) || document.length === 0) throw invalid("it is not a list of images");
  return document.map((item, index) => readImage(files, readItem(item, index)));
}

function readImage(files: ArchiveFiles, item: DockerItem): NewImage {
  return {
    config: readFile(files, item.Config, MAX_CONFIG),
    layers: item.Layers.map((name, position) => {
      const range = files.find(name);
      if (range === undefined) throw missing(name);
      return layerSource(range, `layer ${position}`);
    }),
    names: item.RepoTags.map((tag) => formatReference(dockerReference(parseReference(tag)))),
    docker: true,
  };
}

function readItem(value: unknown, index: number): DockerItem {
  const item = value as { Config?: unknown; RepoTags?: unknown; Layers?: unknown } | null;
  if (typeof item !== "object" || item === null) throw invalid(`item ${index} is not an object`);
  if (typeof item.Config !== "string") throw invalid(`item ${index} names no config`);
  const Layers = strings(item.Layers ?? [], `item ${index}'s layers`);
  if (Layers.length > MAX_LAYERS)
    throw invalid(`item ${index} has ${Layers.length} layers, the limit is ${MAX_LAYERS}`);
  return { Config: item.Config, Layers, RepoTags: strings(item.RepoTags ?? [], `item ${index}'s tags`) };
}

function strings(value: unknown, what: string): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw invalid(`${what} are not names`);
}

function invalid(reason: string): StorageError {
  return new StorageError("document-invalid", `cannot read manifest.json: ${reason}`);
}
