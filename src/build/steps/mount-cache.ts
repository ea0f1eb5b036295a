/** RUN --mount=type=cache: a directory of the user's that builds share and no image contains. */
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { sha256Hex } from "../../base/index.ts";
import { ensureDir, loadLibc, type Paths } from "../../host/index.ts";
import { runInside } from "../../runtime/index.ts";
import type { CacheDirectoryRequest } from "../inside/directory-job.ts";
import type { MountWords } from "./mount-words.ts";
import { mountFlag, type PlannedMount } from "./run-mounts.ts";
import { copyFrom, PLAIN_COPY, requestOf, type SourceRoot } from "./source-root.ts";
import type { StepContext } from "./step-context.ts";

const DEFAULT_MODE = 0o755;

/** Parent of all cache directories. */
export function cacheMountsDir(paths: Paths): string {
  return join(paths.data, "build-cache");
}

export function cacheMount(
  words: MountWords,
  target: string,
  step: StepContext,
  root: SourceRoot | undefined,
): PlannedMount {
  if (words.source !== undefined && root === undefined) step.fail("--mount=type=cache: source needs from");
  // The id is a name and never a path.
  const name = sha256Hex(words.id ?? target).slice(0, 32);
  return {
    // What lies in a cache never decides what a step is.
    key: ["cache", name, target, words.readOnly ?? false],
    make: async (dir) => {
      const held = await hold(step.session.ctx.paths, name, words.sharing);
      try {
        await fill(held.path, words, step, root, dir);
        const flag = mountFlag("bind", {
          source: held.path,
          destination: target,
          ...(words.readOnly === true ? { ro: true } : {}),
        });
        return { mount: [flag], release: held.release };
      } catch (error) {
        held.release();
        throw error;
      }
    },
  };
}

interface Held {
  readonly path: string;
  release(): void;
}

const PAUSE_MS = 50;

/** `locked` waits for the others; `private` takes another directory while somebody uses this one. */
async function hold(paths: Paths, name: string, sharing: MountWords["sharing"]): Promise<Held> {
  const parent = cacheMountsDir(paths);
  ensureDir(parent);
  if (sharing === "shared") return { path: join(parent, name), release: () => {} };
  for (let number = 0; ; ) {
    const path = join(parent, number === 0 ? name : `${name}-${number}`);
    const fd = openSync(`${path}.lock`, "a", 0o600);
    if (loadLibc().flock(fd, "exclusive", true)) return { path, release: () => closeSync(fd) };
    closeSync(fd);
    if (sharing === "private") number++;
    else await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** A new directory gets its owner and mode, and with `from` its first content. */
async function fill(
  path: string,
  words: MountWords,
  step: StepContext,
  root: SourceRoot | undefined,
  dir: string,
): Promise<void> {
  if (existsSync(path)) return;
  const { session } = step;
  const request: CacheDirectoryRequest = {
    path,
    mode: words.mode ?? DEFAULT_MODE,
    uid: words.uid,
    gid: words.gid,
  };
  await runInside(session.ctx, "build-cache-directory", request);
  if (root === undefined) return;
  const copy = {
    ...PLAIN_COPY,
    ...requestOf(root),
    patterns: [words.source ?? "/"],
    destination: "/",
    intoDirectory: true,
  };
  await copyFrom(session, root, { path }, copy, dir);
}
