/** Puts quadlet files, and what lies beside them, into a user's directory of quadlets. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { ConflictError, errnoCode, NotFoundError, UsageError } from "../../base/index.ts";
import { errnoText, writeFileAtomic } from "../../host/index.ts";
import { parseUnitFile } from "../unit-file.ts";
import { writeApp } from "./apps.ts";
import { quadletType, REFUSED_TYPES } from "./names.ts";
import { splitQuadlets } from "./source.ts";

/** A file to be installed, and the application it belongs to. */
export interface NewFile {
  readonly name: string;
  readonly content: Buffer;
  readonly app: string;
}

const MAX_SIZE = 1 << 20;

/**
 * Reads everything that was named: files, `.quadlets` files, a directory as the first word, URLs.
 *
 * @throws {UsageError} if the first word is no quadlet
 */
export async function readNewFiles(sources: readonly string[]): Promise<NewFile[]> {
  const [first = "", ...others] = sources;
  if (!isDirectory(first)) return readFiles(sources, undefined);
  const app = `.${basename(first)}.app`;
  const names = readdirSync(first)
    .sort()
    .filter((name) => !isDirectory(join(first, name)));
  const files = names.flatMap((name) => expand(name, readLocal(join(first, name)), app));
  return [...files, ...(await readFiles(others, app))];
}

/** @param shared the application of them all; else each quadlet is one, with what follows it */
async function readFiles(sources: readonly string[], shared: string | undefined): Promise<NewFile[]> {
  const files: NewFile[] = [];
  let app = shared;
  for (const source of sources) {
    if (isDirectory(source))
      throw new UsageError("directory-first", `cannot install ${source}: a directory must come first`);
    const name = basename(isUrl(source) ? new URL(source).pathname : source);
    const content = isUrl(source) ? await download(source) : readLocal(source);
    if (shared === undefined && (quadletType(name) !== undefined || name.endsWith(".quadlets")))
      app = `.${name.replace(/\.quadlets$/, "")}.app`;
    refuseType(name, source);
    if (app === undefined)
      throw new UsageError("not-a-quadlet", `${source} is not a supported Quadlet file type`);
    files.push(...expand(name, content, app));
  }
  return files;
}

function refuseType(name: string, source: string): void {
  const reason = REFUSED_TYPES[name.slice(name.lastIndexOf(".") + 1)];
  if (reason !== undefined)
    throw new UsageError("unsupported-quadlet", `cannot install ${source}: ${reason}`);
}

/** A `.quadlets` file is several; each quadlet must be readable before anything is written. */
function expand(name: string, content: Buffer, app: string): NewFile[] {
  refuseType(name, name);
  if (name.endsWith(".quadlets")) {
    return splitQuadlets(content.toString("utf8"), name).map((part) => ({
      name: part.name,
      content: Buffer.from(part.text),
      app,
    }));
  }
  if (quadletType(name) !== undefined) parseUnitFile(content.toString("utf8"), name);
  return [{ name, content, app }];
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isUrl(source: string): boolean {
  return /^https?:\/\//.test(source);
}

function readLocal(path: string): Buffer {
  try {
    const found = statSync(path);
    if (found.isFile() && found.size <= MAX_SIZE) return readFileSync(path);
  } catch (cause) {
    throw new NotFoundError(
      "no-such-file",
      `cannot read ${path}: ${errnoText(errnoCode(cause)) ?? "it cannot be read"}`,
    );
  }
  throw new UsageError("not-a-file", `cannot install ${path}: it is no file of at most 1 MiB`);
}

async function download(url: string): Promise<Buffer> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(60_000) }).catch((cause: unknown) => {
    throw new NotFoundError(
      "download-failed",
      `cannot fetch ${url}: ${cause instanceof Error ? cause.message : cause}`,
    );
  });
  if (!answer.ok)
    throw new NotFoundError("download-failed", `cannot fetch ${url}: the server answers ${answer.status}`);
  const content = Buffer.from(await answer.arrayBuffer());
  if (content.length > MAX_SIZE)
    throw new UsageError("not-a-file", `cannot install ${url}: it has more than 1 MiB`);
  return content;
}

/** @throws {ConflictError} before anything is written, unless `replace` */
export function writeNewFiles(directory: string, files: readonly NewFile[], replace: boolean): void {
  const taken = files.find(({ name }) => existsSync(join(directory, name)));
  if (taken !== undefined && !replace) {
    throw new ConflictError(
      "quadlet-exists",
      `a Quadlet with name ${taken.name} already exists, refusing to overwrite`,
      { hint: "--replace does" },
    );
  }
  mkdirSync(directory, { recursive: true });
  for (const { name, content } of files) writeFileAtomic(join(directory, name), content, { mode: 0o644 });
  for (const app of new Set(files.map((file) => file.app))) {
    writeApp(
      directory,
      app,
      files.filter((file) => file.app === app).map(({ name }) => name),
    );
  }
}
