/** SHA-256 by Bun's own hasher: as fast as node:crypto's, without the milliseconds that one takes to load. */

export function sha256Bytes(data: string | Uint8Array): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(data).digest();
}

/** 64 lower-case hex digits. */
export function sha256Hex(data: string | Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(data).digest("hex");
}

/** The hash of what comes in parts. */
export class Sha256 {
  readonly #hasher = new Bun.CryptoHasher("sha256");

  update(chunk: Uint8Array): void {
    this.#hasher.update(chunk);
  }

  /** 64 lower-case hex digits; ends the computation. */
  digestHex(): string {
    return this.#hasher.digest("hex");
  }
}
