/** The build context: a directory to take files from, what of it is left out, and the Dockerfile's text. */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { errnoCode, NotFoundError, UsageError } from "../../base/index.ts";
import { errnoText } from "../../host/index.ts";
import type { Context } from "../../state/index.ts";
import type { BuildRequest } from "../types.ts";
import { openContentCache, type SavedContents } from "./content-cache.ts";
import { fetchFile, isWebAddress } from "./http.ts";
import { readIgnoreLines } from "./ignore.ts";
import { type ContextPlace, openPlace } from "./place.ts";

export interface DockerfileText {
  readonly text: string;
  readonly name: string;
  /** It is a link that somebody's context has to a place outside: none of its words may be shown. */
  readonly isPrivate?: boolean;
}

export interface BuildContext {
  /** Absolute. */
  readonly directory: string;
  /** Lines of the ignore file. */
  readonly ignore: readonly string[];
  readonly contents: SavedContents;
  readonly dockerfile: DockerfileText;
  /** Removes what was fetched or unpacked for it. */
  close(): Promise<void>;
}

const MAX_DOCKERFILE = 16 << 20;
const DEFAULT_NAMES = ["Containerfile", "Dockerfile"];

/** @throws {UsageError | NotFoundError} */
export async function openBuildContext(ctx: Context, request: BuildRequest): Promise<BuildContext> {
  const place = await openPlace(ctx, request);
  try {
    return { ...(await describe(ctx, request, place)), close: place.close };
  } catch (error) {
    await place.close();
    throw error;
  }
}

async function describe(
  { paths }: Context,
  request: BuildRequest,
  { directory, dockerfile }: ContextPlace,
): Promise<Omit<BuildContext, "close">> {
  if (dockerfile !== undefined && request.files.length === 0) {
    const contents = openContentCache(paths, directory);
    return { directory, ignore: [], contents, dockerfile };
  }
  const files = request.files.length > 0 ? request.files : [defaultFile(directory)];
  const texts: string[] = [];
  for (const file of files) texts.push(await readDockerfile(file, directory, request));
  const path =
    files[0] === "-" || isWebAddress(files[0] as string)
      ? undefined
      : locate(files[0] as string, directory, request.cwd);
  return {
    directory,
    ignore: ignoreLines(directory, path, request),
    contents: openContentCache(paths, directory),
    dockerfile: {
      text: texts.join("\n"),
      name: files[0] === "-" ? "stdin" : basename(files[0] as string),
      isPrivate: path !== undefined && leadsOut(path, directory),
    },
  };
}

function defaultFile(directory: string): string {
  const found = DEFAULT_NAMES.map((name) => join(directory, name)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new NotFoundError(
    "dockerfile-missing",
    `no Containerfile or Dockerfile specified or found in context directory, ${directory}: no such file or directory`,
    {
      hint: "name the file with -f",
    },
  );
}

/** A link, of the context or on the way in it, to something that does not lie there. */
function leadsOut(path: string, directory: string): boolean {
  if (!`${path}/`.startsWith(`${directory}/`) || !existsSync(path)) return false;
  return !`${realpathSync(path)}/`.startsWith(`${realpathSync(directory)}/`);
}

/** Relative to where the user is; if it is not there, to the context. */
function locate(file: string, directory: string, cwd: string): string {
  const here = resolve(cwd, file);
  return existsSync(here) ? here : resolve(directory, file);
}

async function readDockerfile(file: string, directory: string, request: BuildRequest): Promise<string> {
  if (file === "-") return readAll(request.stdin());
  if (isWebAddress(file)) return readWeb(file);
  const path = locate(file, directory, request.cwd);
  try {
    const looks = statSync(path);
    // A pipe is what a shell's <(…) gives; a device has no end.
    if (looks.isDirectory()) throw invalid(path, "it is a directory");
    if (!looks.isFile() && !looks.isFIFO()) throw invalid(path, "it is no regular file");
    if (looks.size > MAX_DOCKERFILE)
      throw invalid(path, `it has ${looks.size} bytes, the limit is ${MAX_DOCKERFILE}`);
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = errnoCode(error);
    if (code === undefined || error instanceof UsageError) throw error;
    throw new NotFoundError("dockerfile-missing", `cannot read ${path}: ${errnoText(code) ?? code}`, {
      cause: error,
    });
  }
}

function invalid(path: string, reason: string): UsageError {
  return new UsageError("dockerfile-invalid", `cannot read ${path}: ${reason}`);
}

/** -f may be an address. */
async function readWeb(address: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "kelp-dockerfile-"));
  try {
    const { path } = await fetchFile(address, join(dir, "file"));
    if (statSync(path).size > MAX_DOCKERFILE) throw invalid(address, `the limit is ${MAX_DOCKERFILE} bytes`);
    return readFileSync(path, "utf8");
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > MAX_DOCKERFILE) throw invalid("standard input", `it is longer than ${MAX_DOCKERFILE} bytes`);
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** --ignorefile, the file beside the Dockerfile with its name, `.containerignore`, `.dockerignore`: the first there is. */
function ignoreLines(directory: string, dockerfile: string | undefined, request: BuildRequest): string[] {
  if (request.ignoreFile !== undefined) return readIgnore(resolve(request.cwd, request.ignoreFile), true);
  const beside =
    dockerfile === undefined ? [] : [`${dockerfile}.containerignore`, `${dockerfile}.dockerignore`];
  const candidates = [...beside, join(directory, ".containerignore"), join(directory, ".dockerignore")];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) return [];
  if (leadsOut(found, directory))
    throw invalid(found, "it is a link that leads out of the context; name it with --ignorefile");
  return readIgnore(found, false);
}

function readIgnore(path: string, asked: boolean): string[] {
  try {
    const looks = statSync(path);
    if (!looks.isFile() || looks.size > MAX_DOCKERFILE)
      throw invalid(path, "it is no regular file of a sensible size");
    return readIgnoreLines(readFileSync(path, "utf8"));
  } catch (error) {
    const code = errnoCode(error);
    if (code === undefined || error instanceof UsageError) throw error;
    if (!asked && code === "ENOENT") return [];
    throw new NotFoundError("ignore-missing", `cannot read ignore file ${path}: ${errnoText(code) ?? code}`, {
      cause: error,
    });
  }
}
