/** COPY and ADD. */
import { join, posix } from "node:path";
import { type MadeLayer, sealUpper } from "../../storage/index.ts";
import type { CopyInstruction } from "../dockerfile/instruction.ts";
import type { CopyRequest } from "../inside/copy-job.ts";
import type { LayerStep } from "../session.ts";
import { chainOf, type StageState } from "../stage-state.ts";
import { type AddedSources, resolveAdded } from "./add-sources.ts";
import { contextDigest, missing } from "./context-digest.ts";
import { copyFrom, requestOf, type SourceRoot } from "./source-root.ts";
import type { StepContext } from "./step-context.ts";

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
  const isDirectory = /(^|\/)\.?$/.test(destination);
  const count = sources.length + instruction.heredocs.length;
  if (count > 1 && !isDirectory)
    step.fail(
      `when using ${step.line.keyword} with more than one source file, the destination must be a directory and end with a /`,
    );
  const request: CopyRequest = {
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
  const run = (added: AddedSources) => keyed(step, state, root, { ...request, ...added.request }, added.key);
  const added = instruction.kind === "add" ? await resolveAdded(instruction, sources, step, root) : undefined;
  return added === undefined ? run({ key: null, request: {} }) : added.within(run);
}

async function keyed(
  step: StepContext,
  state: StageState,
  root: SourceRoot,
  request: CopyRequest,
  addedKey: unknown,
): Promise<CopyResult> {
  const { session } = step;
  const content = root.kind === "directory" ? contextDigest(step, root.path, request) : root.chain;
  const { patterns, ignore: _i, archives: _a, fetched: _f, ...rest } = request;
  const key = session.key(
    "copy",
    chainOf(state),
    content,
    addedKey,
    root.kind === "layers" ? patterns : [],
    rest,
  );
  const make = () => perform(step, state, root, request);
  const result = await session.layerStep(key, step.line.text.slice(0, 1000), make);
  const from = request.inline.length > 0 ? "inline" : `dir:${content}`;
  return { ...result, history: `${step.line.keyword} ${from} in ${request.destination} ` };
}

async function perform(
  step: StepContext,
  state: StageState,
  root: SourceRoot,
  request: CopyRequest,
): Promise<MadeLayer> {
  const { session } = step;
  const rows = state.layers.map((layer) => layer.record.row);
  return session.scratch(async (dir) => {
    const reply = await copyFrom(session, root, { rows }, request, dir);
    const extra = request.inline.length + request.archives.length + request.fetched.length;
    if (reply.count === 0 && extra === 0 && root.kind === "layers")
      throw missing(step, request.patterns[0] ?? "", false);
    return sealUpper(session.ctx, session.run, {
      upper: join(dir, "target", "upper"),
      below: rows,
      maxTime: session.request.timestamp,
    });
  });
}
