/** The build context: a directory to take files from, what of it is left out, and the Dockerfile's text. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { errnoCode, NotFoundError, UsageError } from "../../base/index.ts";
import { errnoText, type Paths } from "../../host/index.ts";
import type { BuildRequest } from "../types.ts";
import { openContentCache, type SavedContents } from "./content-cache.ts";
import { readIgnoreLines } from "./ignore.ts";

export interface BuildContext {
  /** Absolute. */
  readonly directory: string;
  /** Lines of the ignore file. */
  readonly ignore: readonly string[];
  readonly contents: SavedContents;
  readonly dockerfile: { readonly text: string; readonly name: string };
  /** Removes what was fetched or unpacked for it. */
  close(): Promise<void>;
}

const MAX_DOCKERFILE = 16 << 20;
const DEFAULT_NAMES = ["Containerfile", "Dockerfile"];

/** @throws {UsageError | NotFoundError} */
export async function openBuildContext(paths: Paths, request: BuildRequest): Promise<BuildContext> {
  const directory = contextDirectory(request);
  const files = request.files.length > 0 ? request.files : [defaultFile(directory)];
  const texts: string[] = [];
  for (const file of files) texts.push(await readDockerfile(file, directory, request));
  const path = files[0] === "-" ? undefined : locate(files[0] as string, directory, request.cwd);
  return {
    directory,
    ignore: ignoreLines(directory, path, request),
    contents: openContentCache(paths, directory),
    dockerfile: { text: texts.join("\n"), name: files[0] === "-" ? "stdin" : basename(files[0] as string) },
    close: async () => {},
  };
}

function contextDirectory(request: BuildRequest): string {
  const directory = resolve(request.cwd, request.context ?? ".");
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

/** Relative to where the user is; if it is not there, to the context. */
function locate(file: string, directory: string, cwd: string): string {
  const here = resolve(cwd, file);
  return existsSync(here) ? here : resolve(directory, file);
}

async function readDockerfile(file: string, directory: string, request: BuildRequest): Promise<string> {
  if (file === "-") return readAll(request.stdin());
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
  return found === undefined ? [] : readIgnore(found, false);
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
