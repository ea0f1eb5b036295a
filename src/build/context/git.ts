/** Git repositories as contexts and sources of ADD. */
import { lstatSync, realpathSync, rmSync } from "node:fs";
import { join, sep } from "node:path";
import { HostError, KelpError, UsageError } from "../../base/index.ts";
import { findProgram } from "../../host/index.ts";
import { withoutUser } from "./http.ts";

export interface GitSource {
  readonly address: string;
  /** A branch, tag or commit; absent: the default branch. */
  readonly ref?: string;
  /** Directory of the repository. */
  readonly directory?: string;
}

/** `https://HOST/REPO.git[#REF[:DIRECTORY]]`, `git://…`, `ssh://…`, `git@HOST:REPO`, `github.com/…`; undefined for anything else. */
export function parseGitAddress(text: string): GitSource | undefined {
  const [whole = "", fragment] = text.split("#", 2);
  const isGit =
    /^(git|ssh):\/\//.test(whole) ||
    /^git@[\w.-]+:/.test(whole) ||
    /^https?:\/\/.+\.git$/.test(whole) ||
    /^github\.com\//.test(whole);
  if (!isGit) return undefined;
  const address = whole.startsWith("github.com/") ? `https://${whole}` : whole;
  const [ref = "", directory = ""] = (fragment ?? "").split(":", 2);
  return { address, ...(ref === "" ? {} : { ref }), ...(directory === "" ? {} : { directory }) };
}

/** No protocol but these, no configuration but ours, nothing of the repository's own that runs. */
const ENVIRONMENT = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_ALLOW_PROTOCOL: "http:https:git:ssh",
  GIT_PROTOCOL_FROM_USER: "0",
  GIT_LFS_SKIP_SMUDGE: "1",
  LC_ALL: "C",
};
const SAFE = [
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "core.fsmonitor=false",
  "-c",
  "core.symlinks=true",
  "-c",
  "core.protectHFS=true",
  "-c",
  "core.protectNTFS=true",
  "-c",
  "protocol.file.allow=never",
  "-c",
  "protocol.ext.allow=never",
  "-c",
  "submodule.recurse=false",
  "-c",
  "http.followRedirects=initial",
];

/**
 * Fetches one commit into `directory`, an empty one. Submodules are not fetched.
 *
 * @returns the commit, and the directory within that was asked for
 * @throws {UsageError | HostError | KelpError}
 */
export async function fetchGit(
  source: GitSource,
  directory: string,
  options: {
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly keepGitDir?: boolean;
  },
): Promise<{ readonly commit: string; readonly path: string }> {
  checkWords(source);
  const git = async (...words: string[]) => runGit(source, directory, words, options.environment);
  await git("init", "--quiet", "--template=", ".");
  const fetch = (...depth: string[]) =>
    git("fetch", "--quiet", ...depth, ...PLAIN_FETCH, "--", source.address, source.ref ?? "HEAD");
  await fetch("--depth=1").catch((error: unknown) => {
    // A server of plain files gives all of the history or nothing.
    if (!(error instanceof KelpError) || !error.message.includes("shallow")) throw error;
    return fetch();
  });
  await git("checkout", "--quiet", "--detach", "FETCH_HEAD");
  const commit = (await git("rev-parse", "HEAD")).trim();
  if (options.keepGitDir !== true) rmSync(join(directory, ".git"), { recursive: true, force: true });
  return { commit, path: innerDirectory(source, directory) };
}

const PLAIN_FETCH = ["--no-tags", "--no-recurse-submodules"];

/** Nothing of an address may be taken for an option, or lead to a program. */
function checkWords({ address, ref, directory }: GitSource): void {
  const shown = withoutUser(address);
  const host = /^(?:\w+:\/\/)?(?:[^@/]*@)?([^:/]*)/.exec(address)?.[1] ?? "";
  if (address.startsWith("-") || host.startsWith("-") || /[\0\n\r]|::/.test(address))
    throw refused(shown, "it is not an address of a repository");
  if (ref !== undefined && (ref.startsWith("-") || !/^[\w./@^~{}+-]+$/.test(ref) || ref.includes("..")))
    throw refused(shown, `${JSON.stringify(ref)} is not a branch, tag or commit`);
  if (directory?.split("/").includes("..") === true)
    throw refused(shown, `directory ${JSON.stringify(directory)} leads out of the repository`);
}

/** A link in the repository may lead anywhere. */
function innerDirectory({ address, directory }: GitSource, root: string): string {
  if (directory === undefined) return root;
  const path = join(root, directory);
  const found = lstatSync(path, { throwIfNoEntry: false });
  const real = found === undefined ? undefined : realpathSync(path);
  if (
    found === undefined ||
    !found.isDirectory() ||
    !`${real}${sep}`.startsWith(`${realpathSync(root)}${sep}`)
  )
    throw refused(withoutUser(address), `it has no directory ${JSON.stringify(directory)}`);
  return path;
}

function refused(address: string, reason: string): UsageError {
  return new UsageError("git-address-invalid", `cannot fetch repository ${address}: ${reason}`);
}

function runGit(
  source: GitSource,
  cwd: string,
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const program = findProgram("git");
  if (program === undefined)
    throw new HostError(
      "git-missing",
      `cannot fetch repository ${withoutUser(source.address)}: git is not installed`,
      { hint: "install git" },
    );
  const { spawn } = process.getBuiltinModule("node:child_process");
  const kept = [
    "HOME",
    "PATH",
    "SSH_AUTH_SOCK",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
  ];
  const own = Object.fromEntries(
    kept.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
  const env = { ...own, ...ENVIRONMENT, GIT_SSH_COMMAND: "ssh -o BatchMode=yes" } as NodeJS.ProcessEnv;
  // Files of a repository have modes 644 and 755, whoever fetches it.
  const umask = process.umask(0o022);
  const child = spawn(program, [...SAFE, ...words], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  process.umask(umask);
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) return resolve(Buffer.concat(out).toString("utf8"));
      const reason = withoutUser(Buffer.concat(err).toString("utf8").trim().split("\n").at(-1) ?? "");
      reject(
        new KelpError("git-failed", `cannot fetch repository ${withoutUser(source.address)}: ${reason}`),
      );
    });
  });
}
