/** Being told that something in a directory has changed. */
import { watch } from "node:fs";

/** Wakes up when something in a directory changes, or after a while. */
export class ChangeSignal {
  readonly #watcher: ReturnType<typeof watch> | undefined;
  #wake: (() => void) | undefined;
  #pending = false;

  constructor(directory: string) {
    try {
      this.#watcher = watch(directory, () => {
        this.#pending = true;
        this.#wake?.();
      });
      this.#watcher.on("error", () => {});
    } catch {
      // The tick alone will do: inotify instances are limited per user.
    }
  }

  /** Returns at a change, at once if there was one since the last call, or after so long. */
  async next(milliseconds: number): Promise<void> {
    if (!this.#pending) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, Math.max(1, milliseconds));
      this.#wake = resolve;
      await promise;
      clearTimeout(timer);
      this.#wake = undefined;
    }
    this.#pending = false;
  }

  close(): void {
    this.#watcher?.close();
  }
}
