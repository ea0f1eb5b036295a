/** Media types of images: what each document and layer calls itself. */

export const MEDIA = {
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
} as const;

export type LayerCompression = "none" | "gzip" | "zstd";

export function isManifestType(type: string): boolean {
  return type === MEDIA.ociManifest || type === MEDIA.dockerManifest;
}

export function isIndexType(type: string): boolean {
  return type === MEDIA.ociIndex || type === MEDIA.dockerIndex;
}

/** Docker's own types; an image keeps the family it came with, so that its digests stay. */
export function isDockerType(type: string): boolean {
  return type.startsWith("application/vnd.docker.");
}

/** The layer type of a family and compression. Docker's has none for zstd: OCI's is used. */
export function layerType(compression: LayerCompression, docker: boolean): string {
  if (compression === "zstd") return MEDIA.ociLayerZstd;
  if (compression === "gzip") return docker ? MEDIA.dockerLayerGzip : MEDIA.ociLayerGzip;
  return docker ? MEDIA.dockerLayer : MEDIA.ociLayer;
}

/** True for every kind of filesystem layer kelp can unpack; artefacts carry others. */
export function isLayerType(type: string): boolean {
  return (
    /^application\/vnd\.oci\.image\.layer\.(v1|nondistributable\.v1)\.tar(\+gzip|\+zstd)?$/.test(type) ||
    /^application\/vnd\.docker\.image\.rootfs\.(diff|foreign\.diff)\.tar(\.gzip|\.zstd)?$/.test(type)
  );
}
