/** Digests, `ALGORITHM:HEX`. Text from outside becomes a `Digest` here or nowhere: a digest is also a file name. */
import { Sha256, StorageError, sha256Hex } from "../base/index.ts";

declare const digestBrand: unique symbol;
/** `sha256:` and 64 lower-case hex digits; nothing else is ever branded. */
export type Digest = string & { readonly [digestBrand]: true };

const SHA256 = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && text.length === 71 && SHA256.test(text);
}

/**
 * Reads a digest out of a document or a reference.
 *
 * @param where names the place, for the message (`layer 3 of the manifest`).
 * @throws {StorageError} `digest-invalid`; upper case, other algorithms and short forms included.
 */
export function parseDigest(text: unknown, where: string): Digest {
  if (isDigest(text)) return text;
  const shown = typeof text === "string" ? JSON.stringify(text.slice(0, 80)) : `a ${typeof text}`;
  throw new StorageError("digest-invalid", `cannot use ${where}: ${shown} is not a sha256 digest`);
}

/** The 64 hex digits. */
export function digestHex(digest: Digest): string {
  return digest.slice(7);
}

export function sha256(data: string | Uint8Array): Digest {
  return `sha256:${sha256Hex(data)}` as Digest;
}

/** A running SHA-256 whose result is a `Digest`. */
export class Digester {
  readonly #hash = new Sha256();
  #size = 0;

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size;
  }

  /** Ends the computation; call once. */
  digest(): Digest {
    return `sha256:${this.#hash.digestHex()}` as Digest;
  }
}

/**
 * The chain IDs of a stack of layers, lowest first: what identifies the filesystem each layer
 * completes (OCI image specification, config, "Layer ChainID").
 */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffId : sha256(`${parent} ${diffId}`));
  }
  return chain;
}
