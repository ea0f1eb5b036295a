/** What a build is asked for, and what it tells while it works. */
import type { CreateOptions } from "../container/index.ts";
import type { FoundImage } from "../image/index.ts";
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
  readonly squash: "no" | "new" | "all";
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly env: readonly string[];
  /** Absent: this machine's. */
  readonly platform: Platform | undefined;
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
}

export interface Reporter {
  step(title: StepTitle): void;
  /** What a RUN prints. */
  output(title: StepTitle, stream: "out" | "err", chunk: Buffer): void;
  /** The step is done; `id` names what came out of it. */
  done(title: StepTitle, id: string, cached: boolean): void;
  commit(name: string | undefined): void;
  notice(text: string): void;
}
