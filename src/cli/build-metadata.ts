/** --metadata-file: what a build has made, in BuildKit's words. */
import type { StoredImage } from "../image/index.ts";
import { MEDIA } from "../oci/index.ts";

export function metadataOf(
  { record, manifestSize }: StoredImage,
  { tags, docker }: { readonly tags: readonly string[]; readonly docker: boolean },
): string {
  const digest = record.manifestDigest;
  const document = {
    "containerimage.config.digest": `sha256:${record.id}`,
    "containerimage.descriptor": {
      mediaType: docker ? MEDIA.dockerManifest : MEDIA.ociManifest,
      digest,
      size: manifestSize,
    },
    "containerimage.digest": digest,
    ...(tags.length === 0 ? {} : { "image.name": tags.join(",") }),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
