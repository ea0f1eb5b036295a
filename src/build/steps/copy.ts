/** COPY and ADD. */
import { chmodSync, mkdirSync } from "node:fs";
import { join, posix } from "node:path";
import { restackLayer } from "../../image/index.ts";
import type { Context } from "../../state/index.ts";
import type { StoredLayer } from "../../storage/index.ts";
import { withPlainArchive } from "../context/archive.ts";
import { isWebAddress } from "../context/http.ts";
import type { CopyInstruction } from "../dockerfile/instruction.ts";
import type { CopyRequest } from "../inside/copy-job.ts";
import { chainOf, type StageState } from "../stage-state.ts";
import type { LayerStep } from "../step-layers.ts";
import { type AddedSources, withAdded } from "./add-sources.ts";
import { contextDigest, missing } from "./context-digest.ts";
import { sealAlone, sealStep } from "./seal.ts";
import { copyFrom, requestOf, type SourceRoot } from "./source-root.ts";
import { noteOf, type StepContext } from "./step-context.ts";

type Wish = Omit<CopyRequest, "source" | "target">;

interface Work {
  readonly root: SourceRoot;
  readonly request: Wish;
  readonly added: AddedSources | undefined;
  /** --link: made on nothing, and so the same on whatever is below. */
  readonly linked: boolean;
}

/** Names of owners are those of the files below. */
const OWNER_NUMBERS = /^\d+(:\d+)?$/;

export interface CopyResult extends LayerStep {
  readonly history: string;
}

export async function copyStep(
  instruction: CopyInstruction,
  state: StageState,
  step: StepContext,
  root: SourceRoot,
): Promise<CopyResult> {
  const sources = instruction.sources.map((source) => step.word(source));
  const destination = step.word(instruction.destination);
  if (instruction.kind === "copy" && sources.some(isWebAddress))
    step.fail("source can't be a URL for COPY", "ADD fetches files");
  const isDirectory = /(^|\/)\.?$/.test(destination);
  const count = sources.length + instruction.heredocs.length;
  if (count > 1 && !isDirectory)
    step.fail(
      `when using ${step.line.keyword} with more than one source file, the destination must be a directory and end with a /`,
    );
  const request: Wish = {
    patterns: sources,
    ...requestOf(root),
    exclude: instruction.excludes.map((pattern) => step.word(pattern)),
    inline: instruction.heredocs.map(({ name, content, expand }) => ({
      name,
      content: expand ? step.content(content) : content,
    })),
    fetched: [],
    archives: [],
    destination: posix.resolve("/", state.config.WorkingDir ?? "/", destination),
    intoDirectory: isDirectory,
    parents: instruction.parents,
    chown: instruction.chown === undefined ? undefined : step.word(instruction.chown),
    chmod: instruction.chmod === undefined ? undefined : step.word(instruction.chmod),
  };
  const linked = instruction.link && OWNER_NUMBERS.test(request.chown ?? "0");
  if (instruction.kind === "copy") return keyed(step, state, { root, request, added: undefined, linked });
  return withAdded(instruction, sources, step, root, (added) => {
    const { patterns, fetched } = added;
    const wish = { ...request, patterns, fetched };
    return keyed(step, state, { root: added.root ?? root, request: wish, added, linked });
  });
}

async function keyed(step: StepContext, state: StageState, work: Work): Promise<CopyResult> {
  const { session } = step;
  const { root, request, added, linked } = work;
  const content = root.kind === "directory" ? contextDigest(step, root.path, request) : root.chain;
  const { patterns, ignore: _i, archives: _a, fetched: _f, ...rest } = request;
  const from = root.kind === "layers" ? patterns : [];
  const on = linked ? "any layers" : chainOf(state);
  const key = session.key("copy", on, content, added?.key ?? null, from, rest);
  let copied: string | undefined;
  const make = async () => {
    const made = await perform(step, state, work);
    copied = made.digest;
    return made.layer;
  };
  // A context that changes while it is copied is in the image as it was met, and in the cache under no name.
  const holds = () =>
    root.kind !== "directory" ||
    (added === undefined ? copied : contextDigest(step, root.path, request)) === content;
  const note = noteOf(step);
  const result = await session.steps.layer({ key, note, below: state.layers, make, holds });
  const layer =
    linked && result.layer !== undefined
      ? await restackLayer(session.ctx, result.layer, state.layers)
      : result.layer;
  const source = request.inline.length > 0 ? "inline" : `dir:${content}`;
  return { ...result, layer, history: `${step.line.keyword} ${source} in ${request.destination} ` };
}

async function perform(
  step: StepContext,
  state: StageState,
  { root, request, added, linked }: Work,
): Promise<{ readonly layer: StoredLayer; readonly digest: string }> {
  const { session } = step;
  const copy =
    added === undefined
      ? { ...request, digest: root.kind === "directory" }
      : { ...request, patterns: added.copied };
  return session.scratch(async (dir) => {
    const target = linked ? { path: emptyTree(dir) } : { rows: state.layers.map(({ record }) => record.row) };
    const reply = await withPlain(session.ctx, added?.archives ?? [], (archives) =>
      copyFrom(session, root, target, { ...copy, archives }, dir),
    );
    const extra = request.inline.length + request.fetched.length + (added?.archives.length ?? 0);
    if (reply.count === 0 && extra === 0 && root.kind === "layers")
      throw missing(step, request.patterns[0] ?? "", false);
    const below = state.layers;
    const layer =
      "path" in target
        ? await sealAlone(session, target.path, below)
        : await sealStep(session, { dir: join(dir, "target"), below });
    return { layer, digest: reply.digest };
  });
}

function emptyTree(dir: string): string {
  const path = join(dir, "alone");
  mkdirSync(path);
  chmodSync(path, 0o755);
  return path;
}

/** The plain forms of all the archives, for as long as `work` takes. */
async function withPlain<T>(
  ctx: Context,
  archives: readonly string[],
  work: (plain: readonly string[]) => Promise<T>,
  done: readonly string[] = [],
): Promise<T> {
  const [first, ...rest] = archives;
  if (first === undefined) return work(done);
  return withPlainArchive(ctx, first, (plain) => withPlain(ctx, rest, work, [...done, plain]));
}
