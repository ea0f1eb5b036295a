/** What somebody who watches images move is told. The command line decides what of it is shown, and how. */
import type { Digest } from "../oci/index.ts";

export interface Progress {
  /** A step has begun: `Trying to pull …`. */
  line(text: string): void;
  /** Something went wrong that is tried again. */
  warn(text: string): void;
  /** A blob that is about to be moved. */
  blob(digest: Digest, size: number): BlobMeter;
}

export interface BlobMeter {
  /** Bytes that are there, counted from the blob's beginning. */
  at(bytes: number): void;
  /** Another process downloads it. */
  waiting(): void;
  /** `exists`: nothing had to be moved. */
  end(result: "done" | "exists"): void;
}

const silentMeter: BlobMeter = { at() {}, waiting() {}, end() {} };

export const SILENT: Progress = { line() {}, warn() {}, blob: () => silentMeter };
