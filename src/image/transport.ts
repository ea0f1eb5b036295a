/**
 * The places images come from and go to, by the words in front of the colon: `docker://NAME`,
 * `docker-archive:FILE[:NAME]`, `oci-archive:FILE[:NAME]`, `oci:DIR[:NAME]`, `dir:DIR`. The store is always
 * one end, so that each place only has to be read and written.
 */
import { resolve } from "node:path";
import { UsageError } from "../base/index.ts";
import { checkPolicy } from "../registry/index.ts";
import type { Context } from "../state/index.ts";
import { loadArchive } from "./load.ts";
import { type SaveFormat, saveImages } from "./save.ts";
import type { StoredImage } from "./store-image.ts";

export interface Transport {
  readonly name: string;
  /** What follows the colon (and the slashes of `docker://`). */
  readonly location: string;
  /** Brings the images in. */
  read(ctx: Context, options: { readonly policyFile?: string | undefined }): Promise<StoredImage[]>;
  /** Puts an image of the store there. */
  write(ctx: Context, image: string): Promise<void>;
}

const FORMATS: Readonly<Record<string, SaveFormat>> = {
  "docker-archive": "docker-archive",
  "oci-archive": "oci-archive",
  oci: "oci-dir",
  dir: "docker-dir",
};

/** The transport a text begins with; undefined for a plain name. @throws {UsageError} `transport-unknown` */
export function readTransport(text: string): Transport | undefined {
  if (text.startsWith("docker://")) return registryTransport(text.slice("docker://".length));
  const word = /^([a-z-]+):/.exec(text)?.[1];
  if (word === undefined) return undefined;
  const format = FORMATS[word];
  const location = text.slice(word.length + 1);
  if (format !== undefined) return fileTransport(word, format, location);
  if (["docker-daemon", "containers-storage", "ostree", "sif", "atomic"].includes(word)) {
    throw new UsageError("transport-unknown", `cannot use ${text}: the transport ${word} is not supported`, {
      hint: "known are docker://, docker-archive:, oci-archive:, oci: and dir:",
    });
  }
  return undefined;
}

/** Registries are read and written by `Puller` and `pushImage`, which know tags, platforms and credentials. */
function registryTransport(location: string): Transport {
  const direct = () => {
    throw new Error("a registry is not read as a file");
  };
  return { name: "docker", location, read: direct, write: direct };
}

function fileTransport(name: string, format: SaveFormat, location: string): Transport {
  const { path, reference } = splitLocation(name, location);
  return {
    name,
    location,
    async read(ctx, { policyFile }) {
      checkPolicy(ctx.paths, name, resolve(path), policyFile);
      return loadArchive(ctx, { from: path });
    },
    async write(ctx, image) {
      const names = reference === undefined ? [image] : [image, reference];
      await saveImages(ctx, names, { format, output: path });
    },
  };
}

/** `PATH[:NAME]`; paths hold no colon, as everywhere in these tools. */
function splitLocation(transport: string, location: string): { path: string; reference: string | undefined } {
  const colon = transport === "dir" ? -1 : location.indexOf(":");
  const path = colon < 0 ? location : location.slice(0, colon);
  if (path === "")
    throw new UsageError("reference-invalid", `cannot use ${transport}:${location}: it names no file`);
  return { path, reference: colon < 0 ? undefined : location.slice(colon + 1) };
}
