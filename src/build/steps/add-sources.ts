/** What ADD does beyond COPY: addresses are fetched, and local archives unpacked. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { isArchive } from "../context/archive.ts";
import { fetchGit, parseGitAddress } from "../context/git.ts";
import { fetchFile, isWebAddress } from "../context/http.ts";
import { makeIgnore } from "../context/ignore.ts";
import { SourceTree } from "../context/source-tree.ts";
import type { CopyInstruction } from "../dockerfile/instruction.ts";
import type { FetchedFile } from "../inside/copy-job.ts";
import type { SourceRoot } from "./source-root.ts";
import type { StepContext } from "./step-context.ts";

export interface AddedSources {
  /** What the result depends on besides the context's files. */
  readonly key: unknown;
  /** Sources in the context: its files decide about the cache. */
  readonly patterns: readonly string[];
  /** Those of them that are copied and not unpacked. */
  readonly copied: readonly string[];
  readonly fetched: readonly FetchedFile[];
  /** Archives to unpack, compressed or not. */
  readonly archives: readonly string[];
  /** Instead of the context. */
  readonly root?: SourceRoot;
}

/** Fetches and finds out before the key is known: it depends on what is there. */
export async function withAdded<T>(
  instruction: CopyInstruction,
  sources: readonly string[],
  step: StepContext,
  root: SourceRoot,
  work: (added: AddedSources) => Promise<T>,
): Promise<T> {
  return step.session.scratch(async (dir) => {
    const git = await gitSource(instruction, sources, step, dir);
    if (git !== undefined) return work(git);
    const into: Sorted = { fetched: [], archives: [], copied: [], digests: [] };
    for (const [index, source] of sources.entries()) {
      if (isWebAddress(source))
        await sortFetched(instruction, source, step, join(dir, `fetched-${index}`), into);
      else if (instruction.unpack === false || root.kind !== "directory") into.copied.push(source);
      else await sortLocal(source, step, root, into);
    }
    const { digests, ...sorted } = into;
    if (instruction.checksum !== undefined && digests.length === 0)
      step.fail("--checksum is for addresses only");
    const key = { digests, unpack: instruction.unpack ?? null, archives: into.archives.length };
    return work({ key, patterns: sources.filter((source) => !isWebAddress(source)), ...sorted });
  });
}

interface Sorted {
  readonly fetched: FetchedFile[];
  readonly archives: string[];
  readonly copied: string[];
  readonly digests: string[];
}

async function sortFetched(
  instruction: CopyInstruction,
  source: string,
  step: StepContext,
  path: string,
  into: Sorted,
): Promise<void> {
  const file = await fetchChecked(instruction, source, step, path);
  // Its time is the server's and says nothing of what is in it.
  into.digests.push(file.digest, file.name);
  if (instruction.unpack === true && (await isArchive(step.session.ctx, file.path)))
    into.archives.push(file.path);
  else into.fetched.push(file);
}

async function gitSource(
  instruction: CopyInstruction,
  sources: readonly string[],
  step: StepContext,
  dir: string,
): Promise<AddedSources | undefined> {
  const found = sources.map(parseGitAddress);
  const [git] = found;
  if (found.every((one) => one === undefined)) return undefined;
  if (git === undefined || sources.length > 1)
    step.fail("ADD takes a repository alone, without other sources");
  const path = join(dir, "repository");
  mkdirSync(path);
  const { environment } = step.session.request;
  const fetched = await fetchGit(git, path, { environment, keepGitDir: instruction.keepGitDir });
  const wanted = instruction.checksum === undefined ? undefined : step.word(instruction.checksum);
  if (wanted !== undefined && (!/^[0-9a-f]{1,40}$/.test(wanted) || !fetched.commit.startsWith(wanted)))
    step.fail(`the repository is at commit ${fetched.commit}, --checksum promises ${wanted}`);
  return {
    key: ["git", fetched.commit, git.directory ?? "", instruction.keepGitDir],
    patterns: ["/"],
    copied: ["/"],
    fetched: [],
    archives: [],
    root: { kind: "directory", path: fetched.path, ignore: [] },
  };
}

async function fetchChecked(
  instruction: CopyInstruction,
  source: string,
  step: StepContext,
  path: string,
): Promise<FetchedFile & { readonly digest: string }> {
  const file = await fetchFile(source, path);
  const wanted = instruction.checksum === undefined ? undefined : step.word(instruction.checksum);
  if (wanted !== undefined && !/^sha256:[0-9a-f]{64}$/.test(wanted))
    step.fail(`--checksum=${wanted}: it is not sha256: and 64 hex digits`);
  if (wanted !== undefined && wanted !== `sha256:${file.digest}`)
    step.fail(`the content has digest sha256:${file.digest}, --checksum promises ${wanted}`);
  if (file.name === "" && /\/$/.test(instruction.destination))
    step.fail(`cannot find out a file name from ${source}`, "name the file in the destination");
  return file;
}

/** An archive among the files of the context is unpacked, everything else copied. */
async function sortLocal(
  source: string,
  step: StepContext,
  root: Extract<SourceRoot, { kind: "directory" }>,
  into: Sorted,
): Promise<void> {
  const tree = new SourceTree(root.path);
  const ignore = makeIgnore(root.ignore, "the ignore file");
  const found = tree.glob(Buffer.from(source).toString("latin1"));
  let isPlain = found.length === 0;
  for (const one of found) {
    const file = one.looks.isFile() && !ignore.ignores(one.path) ? tree.fsPath(one.path) : undefined;
    if (file !== undefined && (await isArchive(step.session.ctx, file.toString())))
      into.archives.push(file.toString());
    else isPlain = true;
  }
  if (isPlain) into.copied.push(source);
}
