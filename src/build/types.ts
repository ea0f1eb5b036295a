/** What a build is asked for, and what it tells while it works. */
import type { CreateOptions } from "../container/index.ts";
import type { FoundImage, StepCacheOptions, StoredImage } from "../image/index.ts";
import type { Platform } from "../oci/index.ts";
import type { BuildOutput } from "./output.ts";

export interface BuildRequest {
  /** The context as typed: a directory, `-`, a URL; absent: the working directory. */
  readonly context: string | undefined;
  /** -f, in order; they are read one after the other as one file. */
  readonly files: readonly string[];
  /** As typed. */
  readonly shownTag: string | undefined;
  /** Full names. */
  readonly tags: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  /** NAME=SOURCE. */
  readonly buildContexts: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  readonly useCache: boolean;
  /** Milliseconds: older steps of the cache are done anew. */
  readonly cacheTtl: number | undefined;
  /** Caches in registries. */
  readonly stepCache: Omit<StepCacheOptions, "warn" | "signal">;
  readonly squash: "no" | "new" | "all";
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly env: readonly string[];
  /** What the image does not keep of its base and its file. */
  readonly without: {
    readonly env: readonly string[];
    readonly labels: readonly string[];
    readonly baseLabels: boolean;
    readonly history: boolean;
  };
  /** One image for each; none: this machine's. */
  readonly platforms: readonly Platform[];
  /** The index the image becomes part of; several platforms make the tags such indexes, too. */
  readonly manifest: string | undefined;
  readonly docker: boolean;
  /** Seconds: the time of everything that is made. */
  readonly timestamp: number | undefined;
  readonly ignoreFile: string | undefined;
  readonly output: BuildOutput | undefined;
  readonly secrets: readonly string[];
  /** Sockets of SSH agents, by ID. */
  readonly ssh: Readonly<Record<string, string>>;
  /** How many steps work at the same time. */
  readonly jobs: number;
  /** What every RUN gets, in the words of `create`. */
  readonly run: CreateOptions;
  readonly runGiven: ReadonlySet<string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Stops the build: what runs is ended and put away. */
  readonly signal?: AbortSignal;
  /** Standard input, for `-`. */
  stdin(): NodeJS.ReadableStream;
  /** Standard output as bytes, for --output. */
  write(piece: Uint8Array): void;
  /** Finds or fetches the image of a FROM. */
  acquire(name: string, platform: Platform | undefined): Promise<FoundImage>;
}

/** A step as it is shown. */
export interface StepTitle {
  /** From 1; with the number of stages that are built. */
  readonly stage: number;
  readonly stages: number;
  readonly step: number;
  readonly steps: number;
  readonly text: string;
  /** The last step of the stage that becomes the image: what follows tells its ID. */
  readonly isLast: boolean;
  /** `OS/ARCH`, where the build is for several. */
  readonly platform?: string | undefined;
}

export interface BuildResult {
  /** One a platform; empty if --output asked for files instead. */
  readonly images: readonly StoredImage[];
  /** Names of the indexes they are in. */
  readonly lists: readonly string[];
}

export interface Reporter {
  step(title: StepTitle): void;
  /** What a RUN prints. */
  output(title: StepTitle, stream: "out" | "err", chunk: Buffer): void;
  /** The step is done; `id` names what came out of it. */
  done(title: StepTitle, id: string, cached: boolean): void;
  /** The step has failed; what it printed has been told. */
  failed(title: StepTitle): void;
  commit(name: string | undefined): void;
  notice(text: string): void;
}
