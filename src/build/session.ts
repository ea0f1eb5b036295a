/** What all steps of one platform's build share. */
import { mkdirSync } from "node:fs";
import { KelpError, sha256Hex } from "../base/index.ts";
import { driverName, removeTrees } from "../container/index.ts";
import { temporaryPath } from "../host/index.ts";
import { jobRunner, platformName } from "../image/index.ts";
import type { Platform } from "../oci/index.ts";
import type { Context } from "../state/index.ts";
import type { RunInside } from "../storage/index.ts";
import type { BuildContext } from "./context/open.ts";
import { type ContextPlace, openPlace } from "./context/place.ts";
import type { Dockerfile } from "./dockerfile/parse.ts";
import type { StepLayers } from "./step-layers.ts";
import { readSecrets, type Secrets } from "./steps/mount-secret.ts";
import type { BuildRequest, Reporter } from "./types.ts";
import type { BuildArgs } from "./variables.ts";

/** Part of every key: raised when the same step comes to mean something else. */
const CACHE_VERSION = 1;

export interface SessionParts {
  readonly ctx: Context;
  readonly request: BuildRequest;
  readonly reporter: Reporter;
  readonly file: Dockerfile;
  readonly context: BuildContext;
  readonly args: BuildArgs;
  readonly platform: Platform | undefined;
  readonly steps: StepLayers;
}

export class Session {
  readonly ctx: Context;
  readonly request: BuildRequest;
  readonly reporter: Reporter;
  readonly file: Dockerfile;
  readonly context: BuildContext;
  readonly args: BuildArgs;
  /** What the image is for; absent: this machine's. */
  readonly platform: Platform | undefined;
  readonly run: RunInside;
  readonly driver: string;
  readonly secrets: Secrets;
  readonly steps: StepLayers;
  /** Containers of steps that are running. */
  readonly running = new Set<string>();
  readonly #places = new Map<string, Promise<ContextPlace>>();

  constructor(parts: SessionParts) {
    this.ctx = parts.ctx;
    this.request = parts.request;
    this.reporter = parts.reporter;
    this.file = parts.file;
    this.context = parts.context;
    this.args = parts.args;
    this.platform = parts.platform;
    this.steps = parts.steps;
    this.run = jobRunner(parts.ctx);
    this.secrets = readSecrets(parts.request);
    this.driver = driverName(parts.ctx);
  }

  /** `OS/ARCH[/VARIANT]` in front of a step's line, where several are built. */
  get shownPlatform(): string | undefined {
    return this.request.platforms.length > 1 && this.platform !== undefined
      ? platformName(this.platform)
      : undefined;
  }

  /** The key of a step that depends on exactly these things. */
  key(...parts: readonly unknown[]): string {
    return sha256Hex(JSON.stringify([CACHE_VERSION, this.request.timestamp ?? null, ...parts]));
  }

  /** @throws {KelpError} `interrupted` */
  checkInterrupted(): void {
    if (this.request.signal?.aborted === true)
      throw new KelpError("interrupted", "the build was interrupted", { exitCode: 130 });
  }

  /** A directory for one step, removed after it; on the filesystem of the layers. */
  async scratch<T>(work: (dir: string) => Promise<T>): Promise<T> {
    const dir = temporaryPath(this.ctx.paths, "build");
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    try {
      return await work(dir);
    } finally {
      await removeTrees(this.ctx, [dir]);
    }
  }

  /** The directory of a named context: local, or fetched once. */
  async namedDirectory(source: string): Promise<string> {
    const known = this.#places.get(source) ?? openPlace(this.ctx, { ...this.request, context: source });
    this.#places.set(source, known);
    return (await known).directory;
  }

  async closePlaces(): Promise<void> {
    for (const place of await Promise.allSettled(this.#places.values()))
      if (place.status === "fulfilled") await place.value.close();
  }
}
