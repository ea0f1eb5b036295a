/**
 * The job `build-copy`: COPY and ADD. The image is mounted for this process alone; its root directory becomes the
 * process's, while the working directory stays at the source, so that neither side's links lead into the other or out.
 */
import { openSync } from "node:fs";
import { loadLibc } from "../../host/index.ts";
import { makeIgnore } from "../context/ignore.ts";
import { SourcesDigest, select } from "../context/select.ts";
import { SourceTree } from "../context/source-tree.ts";
import { addArchive, openArchive } from "./add-archive.ts";
import { Copier } from "./copier.ts";
import { isSingleMap } from "./directory-job.ts";
import { TargetTree } from "./target-tree.ts";

/** A file whose content comes along. */
export interface InlineFile {
  readonly name: string;
  readonly content: string;
}

/** A file that was fetched, at a path of the host. */
export interface FetchedFile {
  readonly name: string;
  readonly path: string;
  /** Seconds. */
  readonly mtime: number;
}

export interface CopyRequest {
  /** The image's mounted root. */
  readonly target: string;
  /** The directory sources are taken from. */
  readonly source?: string;
  /** Sources keep their owners unless --chown says otherwise. */
  readonly owners: boolean;
  readonly patterns: readonly string[];
  readonly ignore: readonly string[];
  readonly exclude: readonly string[];
  readonly inline: readonly InlineFile[];
  readonly fetched: readonly FetchedFile[];
  /** Archives to unpack: paths of the host. */
  readonly archives: readonly string[];
  /** Absolute. */
  readonly destination: string;
  /** Tell the digest of what was copied. */
  readonly digest?: boolean;
  /** Several sources, or written with a slash at its end. */
  readonly intoDirectory: boolean;
  readonly parents: boolean;
  /** A directory gives its looks to the destination that is made for it. */
  readonly keepsTop?: boolean;
  readonly chown?: string | undefined;
  readonly chmod?: string | undefined;
}

export interface CopyReply {
  /** How much was selected in the source. */
  readonly count: number;
  /** Of what was copied from the source; says nothing unless it was asked for. */
  readonly digest: string;
}

/** @throws {UsageError | StorageError} */
export async function buildCopy(request: CopyRequest): Promise<CopyReply> {
  const libc = loadLibc();
  libc.umask(0);
  const source = request.source ?? "/var/empty";
  if (request.source !== undefined) process.chdir(source);
  const tree = new SourceTree(".");
  const options = {
    ignore: makeIgnore(request.ignore, "the ignore file"),
    exclude: makeIgnore(request.exclude, "--exclude"),
  };
  const found = request.patterns.map((pattern) => ({
    pattern,
    found: tree.glob(Buffer.from(pattern).toString("latin1")),
  }));
  const archives = request.archives.map(openArchive);
  const fetched = request.fetched.map((file) => ({ ...file, fd: openSync(file.path, "r") }));
  const single = isSingleMap();
  libc.chroot(request.target);
  const copier = new Copier(libc, tree, request, single);
  let count = 0;
  const digests: string[] = [];
  for (const { pattern, found: sources } of found) {
    const digest = new SourcesDigest({ owners: false });
    for (const source of sources) {
      const selected = [...select(tree, source, options)];
      count += selected.length;
      copier.source(source, pivotOf(pattern), selected, digest);
    }
    digests.push(digest.end());
  }
  for (const file of request.inline) copier.inline(file);
  for (const file of fetched) copier.fetched(file);
  for (const archive of archives)
    await addArchive(libc, archive, copier.directory(), new TargetTree(single), copier.owner);
  copier.finish();
  return { count, digest: digests.join("-") };
}

/** With --parents what stands before `/./` is not kept. */
function pivotOf(pattern: string): string {
  const at = pattern.indexOf("/./");
  return at < 0 ? "" : pattern.slice(0, at).replace(/^\/+/, "");
}
