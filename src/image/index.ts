/**
 * image: images as wholes. Owns how they come in (load, import, the embedded one), how they go out
 * (save), their names, and what is removed with them.
 *
 * Must not know: containers beyond the fact that one uses an image; the command line.
 */
export type { AcquireOptions } from "./acquire.ts";
export { applyChanges } from "./change.ts";
export { imageChanges } from "./diff.ts";
export { imageConfig, imageManifest } from "./documents.ts";
export { type HistoryLine, imageHistory, imageTree } from "./history.ts";
export { importRootfs } from "./import.ts";
export { type InputSource, openInput, uncompressed } from "./input.ts";
export { jobRunner } from "./inside.ts";
export { inspectImage, repoDigests } from "./inspect.ts";
export { imageLayers, layerFile } from "./layer-source.ts";
export { byName, type ImageSummary, listImages, splitName } from "./list.ts";
export { loadArchive } from "./load.ts";
export {
  hostArchitecture,
  normaliseArchitecture,
  parsePlatform,
  platformName,
  wantedPlatform,
} from "./platform.ts";
export type { BlobMeter, Progress } from "./progress.ts";
export type { PullOptions } from "./pull.ts";
export type { PushOptions } from "./push.ts";
export {
  acquireImages,
  imageMending,
  isOutdated,
  manifestLists,
  openStepCache,
  type PullPolicy,
  parsePullPolicy,
  pushImages,
} from "./remote.ts";
export {
  pruneImages,
  type RemoveOptions,
  removeAllImages,
  removeImages,
} from "./remove.ts";
export {
  displayName,
  type FoundImage,
  findImage,
  imageNotKnown,
  resolveImage,
  tryFindImage,
} from "./resolve.ts";
export { restackLayer } from "./restack.ts";
export { SAVE_FORMATS, type SaveFormat, saveImages } from "./save.ts";
export type { CachedLayer, StepCache, StepCacheOptions } from "./step-cache.ts";
export { recordImage, type StoredImage, storeImage } from "./store-image.ts";
export { findList, listOf } from "./stored-list.ts";
export { tagImage, untagImage } from "./tag.ts";
export type { WriteOptions } from "./transport.ts";
