/**
 * The places images come from and go to, by the words in front of the colon: `docker://NAME` (a registry, also
 * without the words), `docker-archive:FILE[:NAME]`, `oci-archive:FILE[:NAME]`, `oci:DIR[:NAME]`, `dir:DIR`. The
 * store is always one end, so that each place only has to be read and written; copying between two places is both.
 */
import { resolve } from "node:path";
import { UsageError } from "../base/index.ts";
import {
  type Digest,
  dockerReference,
  formatReference,
  localCandidates,
  parseReference,
} from "../oci/index.ts";
import { checkPolicy } from "../registry/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import { type AcquireOptions, acquireFromRegistry } from "./acquire.ts";
import { imageManifest } from "./documents.ts";
import { loadArchive } from "./load.ts";
import type { Progress } from "./progress.ts";
import { type PushOptions, pushImage } from "./push.ts";
import { displayName, type FoundImage } from "./resolve.ts";
import { type SaveFormat, saveImages } from "./save.ts";

export interface WriteOptions extends PushOptions {
  /** dir: layers are compressed. */
  readonly compress?: boolean;
}

export interface Transport {
  /** Brings the images at a location in, as far as the policy wants it. */
  read(ctx: Context, location: string, options: AcquireOptions): Promise<FoundImage[]>;
  /** Puts an image there; returns the digest of its manifest, if the place has manifests. */
  write(
    ctx: Context,
    image: FoundImage,
    location: string,
    options: WriteOptions,
  ): Promise<Digest | undefined>;
}

const TRANSPORTS: Readonly<Record<string, Transport>> = {
  docker: {
    read: acquireFromRegistry,
    async write(ctx, { record }, location, options) {
      const target = dockerReference(parseReference(location));
      return (await pushImage(ctx, record, target, options)).digest;
    },
  },
  "docker-archive": fileTransport("docker-archive", "docker-archive"),
  "oci-archive": fileTransport("oci-archive", "oci-archive"),
  oci: fileTransport("oci", "oci-dir"),
  dir: fileTransport("dir", "docker-dir"),
};

/** Those of other tools, which name no registry either. */
const FOREIGN = ["docker-daemon", "containers-storage", "ostree", "sif", "atomic"];

/** Which transport a text begins with; a plain name is a registry's. @throws {UsageError} `transport-unknown` */
export function findTransport(text: string): { transport: Transport; location: string } {
  const [, word = "", rest = ""] = /^([a-z-]+):(.*)$/s.exec(text) ?? [];
  if (word === "docker" && rest.startsWith("//"))
    return { transport: TRANSPORTS.docker as Transport, location: rest.slice(2) };
  const found = word === "docker" || !Object.hasOwn(TRANSPORTS, word) ? undefined : TRANSPORTS[word];
  if (found !== undefined) return { transport: found, location: rest };
  if (FOREIGN.includes(word)) {
    throw new UsageError("transport-unknown", `cannot use ${text}: the transport ${word} is not supported`, {
      hint: "known are docker://, docker-archive:, oci-archive:, oci: and dir:",
    });
  }
  return { transport: TRANSPORTS.docker as Transport, location: text };
}

function fileTransport(name: string, format: SaveFormat): Transport {
  return {
    async read(ctx, location, { policyFile, progress }) {
      const { path, reference } = splitLocation(name, location);
      checkPolicy(ctx.paths, name, resolve(path), policyFile);
      progress.line("Getting image source signatures");
      const stored = await loadArchive(
        ctx,
        { from: path },
        reference === undefined ? undefined : archiveNames(reference),
      );
      for (const { record } of stored) tellCopied(ctx, record, progress);
      return stored.map(({ record, names: [first] }) =>
        first === undefined ? { record } : { record, name: first },
      );
    },
    write(ctx, image, location, { compress = false }) {
      const { path, reference } = splitLocation(name, location);
      if (reference === undefined)
        return saveImages(ctx, [displayName(image)], { format, output: path, compress });
      const { id } = image.record;
      // In an OCI layout a name is any text, and other tools look for just that.
      if (format !== "docker-archive")
        return saveImages(ctx, [id], { format, output: path, refName: reference });
      const full = formatReference(dockerReference(parseReference(reference)));
      return saveImages(ctx, [id, full], { format, output: path });
    },
  };
}

/** An archive is unpacked as a whole; what of it there is to tell is told afterwards. */
function tellCopied(ctx: Context, record: ImageRecord, progress: Progress): void {
  const { layers, config } = imageManifest(ctx, record).manifest;
  for (const { digest, size } of layers) progress.blob(digest, size).end("done");
  progress.line(`Copying config ${config.digest}`);
  progress.line("Writing manifest to image destination");
}

/** What tools may have written for a short name. */
function archiveNames(text: string): string[] {
  return localCandidates(parseReference(text)).map(formatReference);
}

/** `PATH[:NAME]`; paths hold no colon, as everywhere in these tools. */
function splitLocation(transport: string, location: string): { path: string; reference: string | undefined } {
  const colon = transport === "dir" ? -1 : location.indexOf(":");
  const path = colon < 0 ? location : location.slice(0, colon);
  if (path === "")
    throw new UsageError("reference-invalid", `cannot use ${transport}:${location}: it names no file`);
  return { path, reference: colon < 0 ? undefined : location.slice(colon + 1) };
}
