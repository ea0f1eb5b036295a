/** The files of containers/storage, which podman keeps images in. Only read. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { NotFoundError, StorageError } from "../../base/index.ts";

const DRIVERS = ["overlay", "vfs"] as const;

export interface PodmanStore {
  readonly root: string;
  readonly driver: (typeof DRIVERS)[number];
  readonly images: readonly PodmanImage[];
  readonly layers: ReadonlyMap<string, PodmanLayer>;
}

export interface PodmanImage {
  readonly id: string;
  readonly digest: string;
  readonly names: readonly string[];
  /** The topmost; empty for an image without layers. */
  readonly layer: string;
}

export interface PodmanLayer {
  readonly id: string;
  readonly parent: string;
  /** The digest of its archive, uncompressed. */
  readonly diffId: string;
}

/** @throws {NotFoundError} `podman-store-missing` */
export function openPodmanStore(root: string): PodmanStore {
  const driver = DRIVERS.find((name) => existsSync(join(root, `${name}-images`, "images.json")));
  if (driver === undefined)
    throw new NotFoundError(
      "podman-store-missing",
      `cannot import from ${root}: there is no store of podman's`,
      {
        hint: "--store names another directory; `podman info --format {{.Store.GraphRoot}}` shows podman's",
      },
    );
  const layers = readList(join(root, `${driver}-layers`, "layers.json")).map((layer) => ({
    id: String(layer.id),
    parent: String(layer.parent ?? ""),
    diffId: String(layer["diff-digest"] ?? ""),
  }));
  return {
    root,
    driver,
    images: readList(join(root, `${driver}-images`, "images.json")).map(readImage),
    layers: new Map(layers.map((layer) => [layer.id, layer])),
  };
}

function readImage(image: Readonly<Record<string, unknown>>): PodmanImage {
  return {
    id: String(image.id),
    digest: String(image.digest ?? ""),
    names: Array.isArray(image.names) ? image.names.map(String) : [],
    layer: String(image.layer ?? ""),
  };
}

function readList(path: string): Record<string, unknown>[] {
  if (!existsSync(path)) return [];
  try {
    return JSON.parse(readFileSync(path, "utf8")) ?? [];
  } catch (cause) {
    throw new StorageError("podman-store-damaged", `cannot read ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** A document of an image: its config is called `sha256:ID`. Names that are no plain words are written in base64. */
export function readImageFile(store: PodmanStore, image: PodmanImage, name: string): Buffer {
  const file = /^[a-z]+$/.test(name) ? name : `=${Buffer.from(name).toString("base64")}`;
  return readFileSync(join(store.root, `${store.driver}-images`, image.id, file));
}

/** Lowest first. */
export function layerChain(store: PodmanStore, image: PodmanImage): PodmanLayer[] {
  const chain: PodmanLayer[] = [];
  for (let id = image.layer; id !== ""; ) {
    const layer = store.layers.get(id);
    if (layer === undefined || chain.includes(layer))
      throw new StorageError(
        "podman-store-damaged",
        `cannot use image ${image.id.slice(0, 12)}: layer ${id} is missing`,
      );
    chain.unshift(layer);
    id = layer.parent;
  }
  return chain;
}

/** Where a layer's files are; with vfs those of the layers below are there as well. */
export function layerTree({ root, driver }: PodmanStore, { id }: PodmanLayer): string {
  return driver === "vfs" ? join(root, "vfs", "dir", id) : join(root, "overlay", id, "diff");
}

export function layerRecord({ root, driver }: PodmanStore, { id }: PodmanLayer): string {
  return join(root, `${driver}-layers`, `${id}.tar-split.gz`);
}
