/** From the flags of build to what the domain is asked for. */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { UsageError } from "../base/index.ts";
import { type BuildRequest, parseOutput } from "../build/index.ts";
import { hostEnvironment } from "../config/index.ts";
import { hostArchitecture, parsePlatform, parsePullPolicy, wantedPlatform } from "../image/index.ts";
import { localName, type Platform } from "../oci/index.ts";
import type { Context } from "../state/index.ts";
import type { Invocation } from "./command.ts";
import { fetchImage } from "./fetch-image.ts";
import { type BUILD_OPTIONS, STEP_OPTIONS } from "./options/build.ts";

import { accessOptions, retryOptions } from "./options/registry.ts";

type Given = Invocation<typeof BUILD_OPTIONS>;

/** Without a context the directory of the first file that is here is one, as podman has it. */
function sources(
  context: string | undefined,
  files: readonly string[],
): Pick<BuildRequest, "context" | "files"> {
  const local = context === undefined ? files.find((file) => file !== "-" && existsSync(file)) : undefined;
  if (local === undefined) return { context, files };
  return {
    context: dirname(resolve(local)),
    files: files.map((file) => (existsSync(file) ? resolve(file) : file)),
  };
}

/** What the flags of build ask for. @throws {UsageError} */
export function makeRequest(ctx: Context, invocation: Given): BuildRequest {
  const { options, args, io, given } = invocation;
  checkWords(options);
  const environment = hostEnvironment();
  const policy = parsePullPolicy(pullWord(options));
  const layers = given.has("layers") ? options.layers : environment.BUILDAH_LAYERS !== "false";
  checkAuthFile(options.authfile);
  const buildArgs: Readonly<Record<string, string>> = {
    ...pairs("--build-arg-file", options["build-arg-file"].flatMap(argLines)),
    ...pairs("--build-arg", options["build-arg"], (name) => environment[name]),
  };
  const jobs = options.jobs ?? 0;
  const platforms = wantedPlatforms(options);
  refuseSeveral(options, platforms.length);
  return {
    ...sources(args[0], options.file),
    shownTag: options.tag[0],
    tags: options.tag.map(localName),
    buildArgs,
    buildContexts: pairs("--build-context", options["build-context"]),
    target: options.target,
    useCache: !options["no-cache"] && layers,
    cacheTtl: options["cache-ttl"] === undefined ? undefined : options["cache-ttl"] / 1e6,
    stepCache: {
      from: layers ? options["cache-from"] : [],
      to: layers ? options["cache-to"] : [],
      access: accessOptions(options, given),
      ...retryOptions(ctx, options, given),
    },
    squash: options["squash-all"] ? "all" : options.squash || !layers ? "new" : "no",
    labels: pairs("--label", options.label, () => ""),
    annotations: pairs("--annotation", options.annotation, () => ""),
    env: Object.entries(pairs("--env", options.env, (name) => environment[name])).map(
      ([name, value]) => `${name}=${value}`,
    ),
    platforms,
    manifest: options.manifest,
    without: {
      env: options.unsetenv,
      labels: options.unsetlabel,
      baseLabels: !options["inherit-labels"],
      history: options["omit-history"],
    },
    docker: options.format === "docker",
    timestamp: timestamp(
      options.timestamp ??
        options["source-date-epoch"] ??
        buildArgs.SOURCE_DATE_EPOCH ??
        environment.SOURCE_DATE_EPOCH,
    ),
    ignoreFile: options.ignorefile,
    output: options.output === undefined ? undefined : parseOutput(options.output),
    write: (piece) => io.write(piece),
    secrets: options.secret,
    ssh: sshSockets(options.ssh, environment),
    jobs: jobs > 0 ? jobs : availableParallelism(),
    run: stepOptions(invocation),
    runGiven: new Set([...given].filter((name) => Object.hasOwn(STEP_OPTIONS, name))),
    environment,
    cwd: process.cwd(),
    stdin: () => io.stdin(),
    acquire: (name, platform) =>
      fetchImage(ctx, io, {
        name,
        policy,
        flags: options,
        given,
        platform,
      }),
  };
}

function checkWords(options: Given["options"]): void {
  if (options.format !== "oci" && options.format !== "docker")
    throw new UsageError("format-unknown", `unrecognized image type ${JSON.stringify(options.format)}`, {
      hint: "formats: oci, docker",
    });
  if (!["auto", "plain", "tty"].includes(options.progress))
    throw new UsageError("progress-unknown", `unknown progress mode ${JSON.stringify(options.progress)}`, {
      hint: "modes: auto, plain, tty",
    });
}

function stepOptions({ options, given }: Given): BuildRequest["run"] {
  const chosen = Object.keys(STEP_OPTIONS).filter((name) => given.has(name));
  return Object.fromEntries(chosen.map((name) => [name, options[name as keyof typeof STEP_OPTIONS]]));
}

function checkAuthFile(path: string | undefined): void {
  if (path === undefined || path === "" || existsSync(path)) return;
  throw new UsageError(
    "authfile-missing",
    `credential file is not accessible: faccessat ${path}: no such file or directory`,
  );
}

/** Lines of a --build-arg-file without comments and empty ones. */
function argLines(path: string): string[] {
  try {
    const lines = readFileSync(path, "utf8").split(/\r?\n/);
    return lines.filter((line) => line.trim() !== "" && !line.trimStart().startsWith("#"));
  } catch (cause) {
    throw new UsageError(
      "build-arg-file",
      `cannot read --build-arg-file ${path}: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

/** `--pull` and `--pull=true` mean always, `--pull=false` what the settings say. */
function pullWord(options: Given["options"]): string {
  if (options["pull-always"]) return "always";
  if (options["pull-never"]) return "never";
  const text = options.pull;
  if (text === "true") return "always";
  return text === "false" ? "missing" : text;
}

/** @param missing the value of a name without `=`; undefined: none at all */
function pairs(
  flag: string,
  words: readonly string[],
  missing?: (name: string) => string | undefined,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const word of words) {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    if (name === "" || (equals < 0 && missing === undefined))
      throw new UsageError(
        "pair-invalid",
        `invalid value ${JSON.stringify(word)} for ${flag}: it is not NAME=VALUE`,
      );
    const value = equals < 0 ? missing?.(name) : word.slice(equals + 1);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** `default`, `ID` or `ID=SOCKET`; without a socket the agent of the environment. */
function sshSockets(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const word of words) {
    const [id = "", socket = environment.SSH_AUTH_SOCK] = word.split("=", 2);
    if (socket === undefined || socket === "")
      throw new UsageError("ssh-agent-missing", `cannot use --ssh ${word}: SSH_AUTH_SOCK is not set`, {
        hint: "start an SSH agent",
      });
    found[id] = socket;
  }
  return found;
}

function timestamp(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new UsageError(
    "timestamp-invalid",
    `invalid timestamp ${JSON.stringify(text)}: it is not a number of seconds since 1970`,
  );
}

/** `local` is this machine's. */
function wantedPlatforms(options: Given["options"]): Platform[] {
  const words = options.platform.filter((word) => word !== "");
  const own = { os: "linux", architecture: hostArchitecture() };
  if (words.length > 0) return words.map((word) => (word === "local" ? own : parsePlatform(word)));
  const { os, arch, variant } = options;
  return [wantedPlatform({ os, arch, variant }) ?? []].flat();
}

/** What can be said of one image only. */
function refuseSeveral(options: Given["options"], platforms: number): void {
  if (platforms < 2) return;
  const single = ["iidfile", "iidfile-raw", "metadata-file"] as const;
  const given = single.find((name) => options[name] !== undefined);
  const archive = options.output !== undefined && parseOutput(options.output).type !== "local";
  if (given !== undefined || archive)
    throw new UsageError(
      "arguments-conflict",
      `--${given ?? "output"} is for one image: it cannot be used with several platforms`,
      { hint: "build the platforms one by one, or push the index" },
    );
}
