/** Where a context's files are: a directory of the user's, or one made from an archive, an address or a repository. */
import { createWriteStream, mkdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { NotFoundError, UsageError } from "../../base/index.ts";
import { removeTrees } from "../../container/index.ts";
import { ensureDir, tempDir, temporaryPath } from "../../host/index.ts";
import { runInside } from "../../runtime/index.ts";
import type { Context } from "../../state/index.ts";
import type { CopyReply, CopyRequest } from "../inside/copy-job.ts";
import type { BuildRequest } from "../types.ts";
import { isArchive, withPlainArchive } from "./archive.ts";
import { fetchGit, parseGitAddress } from "./git.ts";
import { fetchFile, isWebAddress, withoutUser } from "./http.ts";

export interface ContextPlace {
  /** Absolute. */
  readonly directory: string;
  /** The source was no archive but a Dockerfile, and the context is empty. */
  readonly dockerfile?: { readonly text: string; readonly name: string };
  close(): Promise<void>;
}

/** BuildKit's own argument. */
const KEEP_GIT_DIR = "BUILDKIT_CONTEXT_KEEP_GIT_DIR";

/** @throws {UsageError | NotFoundError} */
export async function openPlace(ctx: Context, request: BuildRequest): Promise<ContextPlace> {
  const { context } = request;
  const git = context === undefined ? undefined : parseGitAddress(context);
  if (git !== undefined)
    return made(ctx, async (dir) => {
      const repository = join(dir, "context");
      mkdirSync(repository);
      const { environment, buildArgs } = request;
      const keepGitDir = /^(1|true)$/i.test(buildArgs[KEEP_GIT_DIR] ?? "");
      const { path } = await fetchGit(git, repository, { environment, keepGitDir });
      return { directory: path };
    });
  if (context === "-")
    return made(ctx, async (dir) => {
      const file = join(dir, "input");
      await pipeline(request.stdin(), createWriteStream(file, { mode: 0o600, flags: "wx" }));
      return fromFile(ctx, dir, file, "stdin");
    });
  if (context !== undefined && isWebAddress(context))
    return made(ctx, async (dir) => {
      const { path } = await fetchFile(context, join(dir, "input"));
      return fromFile(ctx, dir, path, context);
    });
  return { directory: localDirectory(request.cwd, context ?? "."), close: async () => {} };
}

function localDirectory(cwd: string, path: string): string {
  const directory = resolve(cwd, path);
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined)
    throw new NotFoundError(
      "context-missing",
      `cannot use build context ${directory}: no such file or directory`,
    );
  if (!found.isDirectory())
    throw new UsageError("context-invalid", `cannot use build context ${directory}: it is not a directory`);
  return directory;
}

/** In a directory of the build's own: 0700, removed at its end, and by the next sweep if it was killed. */
async function made(
  ctx: Context,
  fill: (dir: string) => Promise<Omit<ContextPlace, "close">>,
): Promise<ContextPlace> {
  const dir = temporaryPath(ctx.paths, "build");
  ensureDir(tempDir(ctx.paths));
  mkdirSync(dir, { mode: 0o700 });
  const close = () => removeTrees(ctx, [dir]);
  try {
    return { ...(await fill(dir)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

const MAX_DOCKERFILE = 16 << 20;

/** An archive is unpacked in a chroot, its owners are dropped; anything else is a Dockerfile without a context. */
async function fromFile(
  ctx: Context,
  dir: string,
  file: string,
  name: string,
): Promise<Omit<ContextPlace, "close">> {
  const directory = join(dir, "context");
  mkdirSync(directory);
  if (await isArchive(ctx, file)) {
    await withPlainArchive(ctx, file, (plain) => {
      const request: CopyRequest = {
        target: directory,
        owners: false,
        patterns: [],
        ignore: [],
        exclude: [],
        inline: [],
        fetched: [],
        archives: [plain],
        destination: "/",
        intoDirectory: true,
        parents: false,
        chown: "0:0",
      };
      return runInside<CopyRequest, CopyReply>(ctx, "build-copy", request);
    });
    return { directory };
  }
  const { size } = statSync(file);
  if (size > MAX_DOCKERFILE)
    throw new UsageError("dockerfile-invalid", `cannot read ${name}: it has ${size} bytes`);
  return {
    directory,
    dockerfile: { text: readFileSync(file, "utf8"), name: name === "stdin" ? name : withoutUser(name) },
  };
}
