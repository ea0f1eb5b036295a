/**
 * storage: blobs, unpacked layers, and the directories containers are mounted from. README.md has the
 * rules of durability and the order of locks.
 *
 * Must not know: registries, archives' layouts, names of images, who runs its jobs.
 */
export { bringBack, moveAside } from "./aside.ts";
export { type BlobDamage, BlobStore, type BlobWriter } from "./blobs.ts";
export { checkLayer, type LayerFinding } from "./check-layer.ts";
export type { ContainerEnd } from "./container-end.ts";
export { chooseDriver, DRIVERS, type DriverName, layersRootfs, type Remap, rootfsIn } from "./driver.ts";
export { entryComponents, fsPath } from "./entry-path.ts";
export { raiseSign } from "./growing.ts";
export { type RunInside, STORAGE_JOBS, type StorageJobName } from "./jobs.ts";
export { layerDir, recordingPath, requireLayer } from "./layer-place.ts";
export {
  type LayerSource,
  layerPresent,
  type StoredLayer,
  storeLayers,
} from "./layers.ts";
export { findLeftovers } from "./leftovers.ts";
export { listMapped, mappedNames, mappedRow } from "./mapped.ts";
export { forgetPartial, PartialBlob } from "./partial.ts";
export { copyToLayer, sealUpper } from "./seal.ts";
export {
  CHUNK,
  closeRange,
  decompress,
  type FileRange,
  type OpenRange,
  openRange,
  readRange,
  sniffCompression,
  zlib,
} from "./source.ts";
export { lockShared, type StoreLock, tryLockAlone } from "./store-lock.ts";
export { hasLeftovers, sweepStore } from "./sweep.ts";
export { printable } from "./tar/header.ts";
export { TarIndex } from "./tar/index-tar.ts";
export { LayerWriter } from "./tar/layer-writer.ts";
export { type TarEntry, type TarHandler, TarParser } from "./tar/parser.ts";
export { type Sink, TarWriter } from "./tar/writer.ts";
export type { ArchiveEnd, HostEnd, TransferInput } from "./transfer-job.ts";
export type { ChangeKind, TreeChange } from "./tree/changes.ts";
