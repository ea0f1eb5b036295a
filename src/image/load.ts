/** `load`: images from an archive or a directory in any of the known layouts. */
import { NotFoundError, StorageError } from "../base/index.ts";
import type { Context } from "../state/index.ts";
import { hasLeftovers, sweepStore } from "../storage/index.ts";
import { type ArchiveFiles, openArchive } from "./archive-files.ts";
import { type ImageInput, type InputSource, openInput, uncompressed } from "./input.ts";
import { jobRunner } from "./inside.ts";
import { readDockerArchive } from "./load-docker.ts";
import { readBlobDirectory, readOciLayout } from "./load-oci.ts";
import { type NewImage, type StoredImage, storeImage } from "./store-image.ts";

/**
 * Loads every image of an archive. Each is complete when the next is begun: if a later one is
 * broken the earlier ones stay.
 *
 * @param only full names, any of which the one that is wanted has
 * @throws {StorageError}
 */
export async function loadArchive(
  ctx: Context,
  source: InputSource,
  only?: readonly string[],
): Promise<StoredImage[]> {
  const input = await openInput(ctx, source);
  let plain = input;
  try {
    plain = await uncompressed(ctx, input);
    const stored: StoredImage[] = [];
    for (const image of choose(readImages(plain), only)) stored.push(await storeImage(ctx, image));
    return stored;
  } finally {
    plain.dispose();
    if (hasLeftovers(ctx)) await sweepStore(ctx, jobRunner(ctx));
  }
}

function choose(images: readonly NewImage[], only: readonly string[] | undefined): readonly NewImage[] {
  if (only === undefined) return images;
  for (const image of images) {
    const name = image.names.find((candidate) => only.includes(candidate));
    if (name !== undefined) return [{ ...image, names: [name] }];
  }
  throw new NotFoundError("image-not-known", `${only[0]}: image not known in the archive`);
}

function readImages(input: ImageInput): NewImage[] {
  const files = openFiles(input);
  if (files.find("index.json") !== undefined && files.find("oci-layout") !== undefined)
    return withDockerTags(files);
  if (files.find("manifest.json") === undefined) throw unknownFormat(input);
  return input.kind === "directory" ? readBlobDirectory(files) : readDockerArchive(files);
}

/** docker's archives are OCI layouts as well since version 25; the OCI side keeps digests. */
function withDockerTags(files: ArchiveFiles): NewImage[] {
  const images = readOciLayout(files);
  if (files.find("manifest.json") === undefined || images.some((image) => image.names.length > 0))
    return images;
  const tagged = readDockerArchive(files);
  return images.map((image) => {
    const same = tagged.find((other) => Buffer.from(other.config as Buffer).equals(image.config as Buffer));
    return { ...image, names: same?.names ?? [] };
  });
}

function openFiles(input: ImageInput): ArchiveFiles {
  try {
    return openArchive(input);
  } catch (error) {
    if (error instanceof StorageError && error.code === "archive-invalid") throw unknownFormat(input, error);
    throw error;
  }
}

function unknownFormat(input: ImageInput, cause?: StorageError): StorageError {
  const reason = cause === undefined ? "" : ` (${cause.message})`;
  return new StorageError(
    "archive-format",
    `cannot load ${input.name}: payload does not match any of the supported image formats: oci-archive, docker-archive, OCI layout, docker-dir${reason}`,
    { hint: "for a root filesystem use `kelp import`", ...(cause === undefined ? {} : { cause }) },
  );
}
