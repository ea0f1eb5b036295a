/**
 * SHA-256 on another thread. Hashing a plain layer costs as much time as writing its files; with
 * this it costs none on a machine with two cores. The thread sees the very bytes that are unpacked: both
 * read one ring of shared buffers, so that what was verified is what was used.
 */
import type { Worker } from "node:worker_threads";
import { type Digest, parseDigest } from "../oci/index.ts";
import { CHUNK, type OpenRange, readPiece } from "./source.ts";

const SLOTS = 6;
/** Words of the control block; the lengths of the slots follow. */
const WRITTEN = 0;
const HASHED = 1;
const ENDED = 2;
const LENGTHS = 3;

/** Below this the thread's start costs more than it saves. */
export const WORTH_A_THREAD = 32 << 20;

/** Runs in the worker: plain JavaScript, since a worker of the executable has no file to load. */
const SCRIPT = `
const { parentPort, workerData } = require("node:worker_threads");
const { createHash } = require("node:crypto");
const { control, ring, slots, chunk } = workerData;
const words = new Int32Array(control);
const hash = createHash("sha256");
hash.update(Buffer.alloc(0));
parentPort.postMessage("ready");
for (let done = 0; ; done++) {
  while (Atomics.load(words, ${WRITTEN}) === done) {
    if (Atomics.load(words, ${ENDED}) === 1 && Atomics.load(words, ${WRITTEN}) === done) {
      parentPort.postMessage("sha256:" + hash.digest("hex"));
      parentPort.close();
      return;
    }
    Atomics.wait(words, ${WRITTEN}, done, 50);
  }
  const slot = done % slots;
  hash.update(Buffer.from(ring, slot * chunk, words[${LENGTHS} + slot]));
  Atomics.add(words, ${HASHED}, 1);
  Atomics.notify(words, ${HASHED});
}
`;

export class RingHasher {
  readonly #worker: Worker;
  readonly #words: Int32Array;
  readonly #ring: SharedArrayBuffer;
  readonly #result: Promise<string>;

  private constructor(worker: Worker, words: Int32Array, ring: SharedArrayBuffer) {
    this.#worker = worker;
    this.#words = words;
    this.#ring = ring;
    this.#result = new Promise((resolve, reject) => {
      worker.on("message", resolve);
      worker.once("error", reject);
    });
    this.#result.catch(() => {});
  }

  /** Resolves when the thread is up: it can load nothing after a chroot. */
  static async start(): Promise<RingHasher> {
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    const control = new SharedArrayBuffer((LENGTHS + SLOTS) * 4);
    const ring = new SharedArrayBuffer(SLOTS * CHUNK);
    const workerData = { control, ring, slots: SLOTS, chunk: CHUNK };
    const worker = new Worker(`(() => {${SCRIPT}})();`, { eval: true, workerData });
    await new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    return new RingHasher(worker, new Int32Array(control), ring);
  }

  /**
   * The bytes of a range; each piece is being hashed while the caller uses it, and is valid until
   * the next is asked for.
   */
  *read(range: OpenRange): Generator<Buffer> {
    for (let done = 0, count = 0; done < range.size; count++) {
      this.#awaitSlot(count);
      const slot = count % SLOTS;
      const buffer = Buffer.from(this.#ring, slot * CHUNK, Math.min(CHUNK, range.size - done));
      const got = readPiece(range, done, buffer);
      done += got;
      Atomics.store(this.#words, LENGTHS + slot, got);
      Atomics.add(this.#words, WRITTEN, 1);
      Atomics.notify(this.#words, WRITTEN);
      yield buffer.subarray(0, got);
    }
  }

  /** Until the slot's former content has been hashed. */
  #awaitSlot(count: number): void {
    for (let hashed = this.#hashed(); count - hashed >= SLOTS; hashed = this.#hashed()) {
      Atomics.wait(this.#words, HASHED, hashed, 50);
    }
  }

  #hashed(): number {
    return Atomics.load(this.#words, HASHED);
  }

  /** The digest of everything that was read. */
  async digest(): Promise<Digest> {
    Atomics.store(this.#words, ENDED, 1);
    Atomics.notify(this.#words, WRITTEN);
    return parseDigest(await this.#result, "the hash of a layer");
  }

  /** Ends the thread; call always. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
