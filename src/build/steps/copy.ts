/** COPY and ADD. */
import { join, posix } from "node:path";
import type { KelpError } from "../../base/index.ts";
import { runInside } from "../../runtime/index.ts";
import { type MadeLayer, rootfsIn, sealUpper } from "../../storage/index.ts";
import { makeIgnore } from "../context/ignore.ts";
import { digestSources } from "../context/select.ts";
import { SourceTree } from "../context/source-tree.ts";
import type { CopyInstruction } from "../dockerfile/instruction.ts";
import type { CopyReply, CopyRequest } from "../inside/copy-job.ts";
import type { LayerStep } from "../session.ts";
import { chainOf, type StageState } from "../stage-state.ts";
import { type AddedSources, resolveAdded } from "./add-sources.ts";
import type { StepContext } from "./step-context.ts";

export interface CopyResult extends LayerStep {
  readonly history: string;
}

/** Where sources come from: the context, or the files of a stage or image. */
export type SourceRoot =
  | { readonly kind: "directory"; readonly path: string; readonly ignore: readonly string[] }
  | { readonly kind: "layers"; readonly rows: readonly number[]; readonly chain: string };

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
    owners: root.kind === "layers",
    ignore: root.kind === "directory" ? root.ignore : [],
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

/** Read as the user: most contexts are theirs, and no process in the namespace is needed to find nothing changed. */
function contextDigest(step: StepContext, path: string, request: CopyRequest): string {
  const tree = new SourceTree(path);
  const options = {
    ignore: makeIgnore(request.ignore, "the ignore file"),
    exclude: makeIgnore(request.exclude, "--exclude"),
    owners: false,
    cache: step.session.context.contents,
  };
  const digests = request.patterns.map((pattern) => {
    const found = tree.glob(Buffer.from(pattern).toString("latin1"));
    const { digest, count } = digestSources(tree, found, options);
    if (count === 0 && !isOptional(pattern, found.length)) throw missing(step, pattern, found.length > 0);
    return digest;
  });
  return digests.join("-");
}

/** A directory of which everything is ignored is copied as an empty one; a pattern must match something. */
function isOptional(pattern: string, found: number): boolean {
  return found > 0 && /^[./]*$/.test(pattern);
}

function missing(step: StepContext, pattern: string, ignored: boolean): KelpError {
  const reason = ignored ? "it is excluded by the ignore file" : "no such file or directory";
  return step.error(
    `${step.line.keyword}: ${JSON.stringify(pattern)}: ${reason}`,
    ignored ? undefined : "paths are looked up in the build context",
  );
}

async function perform(
  step: StepContext,
  state: StageState,
  root: SourceRoot,
  request: CopyRequest,
): Promise<MadeLayer> {
  const { session } = step;
  const { ctx } = session;
  const rows = state.layers.map((layer) => layer.record.row);
  return session.scratch(async (dir) => {
    const target = await rootfsIn(ctx, session.driver, rows, join(dir, "target"), session.run);
    const views = [{ rootfs: target, writable: true }];
    let source: string | undefined;
    if (root.kind === "directory") source = root.path;
    else {
      const rootfs = await rootfsIn(ctx, session.driver, root.rows, join(dir, "source"), session.run);
      views.push({ rootfs, writable: false });
      source = rootfs.merged;
    }
    const reply = await runInside<CopyRequest, CopyReply>(
      ctx,
      "build-copy",
      { ...request, source, target: target.merged },
      { views },
    );
    const nothing = request.inline.length + request.archives.length + request.fetched.length === 0;
    if (reply.count === 0 && nothing && root.kind === "layers")
      throw missing(step, request.patterns[0] ?? "", false);
    return sealUpper(ctx, session.run, {
      upper: join(dir, "target", "upper"),
      below: rows,
      maxTime: session.request.timestamp,
    });
  });
}
