/**
 * House-keeping: removes what nothing refers to. Only under the store's lock held alone, so that
 * nothing it finds can be somebody's work in progress; if somebody is at work the next command does it.
 */
import { existsSync, lstatSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { layersDir, tempDir, temporaryName } from "../host/index.ts";
import { type Digest, isManifestType, parseIndex, parseManifest } from "../oci/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import { bringBack } from "./aside.ts";
import { BlobStore } from "./blobs.ts";
import type { RunInside } from "./jobs.ts";
import { recordingPath } from "./layer-place.ts";
import { listDirectory } from "./list-directory.ts";
import { mappedRow } from "./mapped.ts";
import { removePartials } from "./partial.ts";
import { tryLockAlone } from "./store-lock.ts";
import { dropStrayContainers } from "./stray-containers.ts";

export interface SweepOptions {
  /** Begun downloads go, however young they are. */
  readonly downloads?: boolean;
  /** Of layers with other owners (`listMapped`) only these stay. */
  readonly mapped?: ReadonlySet<string>;
}

/** How long a broken download waits for being gone on with. */
const KEEP_PARTIAL_MS = 7 * 24 * 3_600_000;

/** @returns false if the store was busy and nothing was done. */
export async function sweepStore(ctx: Context, run: RunInside, options: SweepOptions = {}): Promise<boolean> {
  if (!existsSync(ctx.paths.data)) return true;
  const lock = await tryLockAlone(ctx.paths);
  if (lock === undefined) return false;
  try {
    forgetUnusedLayers(ctx);
    bringBack(ctx);
    const trees = [...strayLayers(ctx, options.mapped), ...clearTemporary(ctx), ...dropStrayContainers(ctx)];
    if (trees.length > 0) await run("remove-trees", { paths: trees });
    removeUnusedBlobs(ctx);
    removePartials(ctx.paths, options.downloads === true ? 0 : KEEP_PARTIAL_MS);
  } finally {
    lock.release();
  }
  return true;
}

/** True if a killed process left something under a temporary name, or is still at it: two directory reads. */
export function hasLeftovers(ctx: Context): boolean {
  return (
    listDirectory(tempDir(ctx.paths)).length > 0 ||
    listDirectory(layersDir(ctx.paths)).some((name) => name.startsWith("."))
  );
}

/** Rows first: a directory without a row is garbage, a row without a directory would be damage. */
function forgetUnusedLayers(ctx: Context): void {
  for (let removed = true; removed; ) {
    removed = false;
    for (const layer of ctx.state.layers.unused()) removed = ctx.state.layers.remove(layer.row) || removed;
  }
}

/** Directories in layers/ that no row names; their recordings are removed at once. */
function strayLayers(ctx: Context, mapped: ReadonlySet<string> | undefined): string[] {
  const parent = layersDir(ctx.paths);
  const rows = new Set(ctx.state.layers.list().map(({ row }) => String(row)));
  const trees: string[] = [];
  for (const name of listDirectory(parent)) {
    const base = mappedRow(name);
    const stays = base === undefined || mapped === undefined || mapped.has(name);
    if (name === "empty" || (rows.has(base ?? name.replace(/\.rec$/, "")) && stays)) continue;
    if (name.endsWith(".rec")) rmSync(join(parent, name), { force: true });
    else trees.push(setAside(parent, name));
  }
  return trees;
}

/** Renamed before it is removed, so that a half-removed layer is never taken for one. */
function setAside(parent: string, name: string): string {
  if (name.startsWith(".")) return join(parent, name);
  const aside = join(parent, `.del-${name}`);
  renameSync(join(parent, name), aside);
  return aside;
}

/** Files go now; directories may hold files of subordinate ids. */
function clearTemporary(ctx: Context): string[] {
  const parent = tempDir(ctx.paths);
  const trees: string[] = [];
  for (const name of listDirectory(parent)) {
    const path = join(parent, name);
    if (!isAbandoned(path)) continue;
    try {
      rmSync(path);
    } catch {
      trees.push(path);
    }
  }
  return trees;
}

/** Names that are only ever in use under the lock. */
const OURS = /^(blob|layer|assembled)-/;
/** Others (probes) get some time. */
const YOUNG_MS = 60_000;

/** Nobody is at work on this half-made thing any more. The caller holds the store's lock alone. */
export function isAbandoned(path: string): boolean {
  if (OURS.test(basename(path))) return true;
  const named = temporaryName(basename(path));
  if (named !== undefined) return named.isAbandoned;
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined || Date.now() - found.ctimeMs >= YOUNG_MS;
}

function removeUnusedBlobs(ctx: Context): void {
  const store = new BlobStore(ctx.paths);
  const there = store.list();
  if (there.length === 0) return;
  const used = usedBlobs(ctx, store);
  for (const digest of there) if (!used.has(digest)) store.remove(digest);
}

/** Every blob some image needs. */
export function usedBlobs(ctx: Context, store = new BlobStore(ctx.paths)): Set<Digest> {
  const used = new Set<string>();
  for (const image of ctx.state.images.list()) {
    for (const digest of [image.manifestDigest, `sha256:${image.id}`, ...image.digests]) used.add(digest);
    for (const digest of layerBlobs(ctx, store, image)) if (digest !== undefined) used.add(digest);
    for (const digest of substitutes(ctx, image)) used.add(digest);
  }
  return used as Set<Digest>;
}

/** An image whose manifest cannot be read keeps what its layers' records name. */
function layerBlobs(ctx: Context, store: BlobStore, image: ImageRecord): (string | undefined)[] {
  try {
    const bytes = store.read(image.manifestDigest as Digest);
    return isIndexDocument(bytes) ? memberBlobs(store, bytes) : manifestBlobs(bytes);
  } catch {
    return image.layers.map((row) => ctx.state.layers.get(row)?.blob);
  }
}

/** Layers without a recording can only be written out as plain ones from the form another image brought them in. */
function substitutes(ctx: Context, image: ImageRecord): string[] {
  return image.layers.flatMap((row) => {
    const blob = ctx.state.layers.get(row)?.blob;
    return blob === undefined || existsSync(recordingPath(ctx.paths, row)) ? [] : [blob];
  });
}

function isIndexDocument(bytes: Buffer): boolean {
  return (JSON.parse(bytes.toString("utf8")) as { manifests?: unknown }).manifests !== undefined;
}

function manifestBlobs(bytes: Buffer): Digest[] {
  const { config, layers } = parseManifest(bytes);
  return [config.digest, ...layers.map((layer) => layer.digest)];
}

/** What an index made here holds and no image does: manifests of others, and artifacts. */
function memberBlobs(store: BlobStore, bytes: Buffer): Digest[] {
  return parseIndex(bytes).manifests.flatMap(({ digest, mediaType }) => {
    if (!store.has(digest)) return [];
    return [digest, ...(isManifestType(mediaType) ? manifestBlobs(store.read(digest)) : [])];
  });
}
