import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { UsageError } from "../../../base/index.ts";
import { type BuildRequest, buildImage, parseOutput, type Reporter } from "../../../build/index.ts";
import { hostEnvironment } from "../../../config/index.ts";
import { parsePullPolicy, wantedPlatform } from "../../../image/index.ts";
import { localName } from "../../../oci/index.ts";
import { type Context, openContext } from "../../../state/index.ts";
import { PlainReporter, QuietReporter } from "../../build-reporter.ts";
import { defineCommand, type Invocation, type Io } from "../../command.ts";
import { fetchImage } from "../../fetch-image.ts";
import { interruptible } from "../../interrupt.ts";
import { BUILD_OPTIONS, STEP_OPTIONS } from "../../options/build.ts";

type Given = Invocation<typeof BUILD_OPTIONS>;

export default defineCommand({
  paths: [["build"], ["image", "build"], ["buildx", "build"], ["builder", "build"]],
  summary: "Build an image from a Dockerfile",
  description:
    "Steps whose instruction and files have not changed are taken from earlier builds, whatever the times of the files say. Stages that nothing needs are not built; independent ones are built at the same time.",
  usage: "[options] [CONTEXT]",
  examples: [
    ["kelp build -t web .", "Build from the Containerfile or Dockerfile here"],
    ["kelp build -f other.Dockerfile --target test .", "Another file, and one stage of it"],
    ["kelp build --build-arg VERSION=2 --no-cache .", "Every step anew"],
  ],
  options: BUILD_OPTIONS,
  args: { min: 0, max: 1, completes: "dir" },
  exclusive: [
    ["squash", "squash-all", "cannot specify --squash-all with --squash"],
    ["platform", "arch"],
    ["platform", "os"],
  ],
  async run(invocation) {
    const { options, io, globals } = invocation;
    const ctx = await openContext(globals);
    const request = makeRequest(ctx, invocation);
    const target = options.logfile === undefined ? progressTo(io, request) : logTo(options.logfile);
    const reporter: Reporter = options.quiet ? new QuietReporter(target) : new PlainReporter(target);
    const image = await interruptible((signal) => buildImage(ctx, { ...request, signal }, reporter));
    if (image === undefined) return 0;
    const { record } = image;
    if (!options.quiet) {
      target.out(`--> ${record.id.slice(0, 12)}\n`);
      for (const tag of request.tags) target.out(`Successfully tagged ${tag}\n`);
    }
    if (options.iidfile !== undefined) writeFileSync(options.iidfile, `sha256:${record.id}`);
    if (options["iidfile-raw"] !== undefined) writeFileSync(options["iidfile-raw"], record.id);
    if (request.output?.destination !== "-") io.out(`${record.id}\n`);
    return 0;
  },
});

/** Standard output is the archive's where --output says so. */
function progressTo(io: Io, { output }: BuildRequest): Pick<Io, "out" | "err"> {
  return output?.destination === "-" ? { out: (text) => io.err(text), err: (text) => io.err(text) } : io;
}

function logTo(path: string): Pick<Io, "out" | "err"> {
  writeFileSync(path, "");
  const write = (text: string) => appendFileSync(path, text);
  return { out: write, err: write };
}

function makeRequest(ctx: Context, invocation: Given): BuildRequest {
  const { options, args, io, given } = invocation;
  if (options.format !== "oci" && options.format !== "docker")
    throw new UsageError("format-unknown", `unrecognized image type ${JSON.stringify(options.format)}`, {
      hint: "formats: oci, docker",
    });
  if (!["auto", "plain", "tty"].includes(options.progress))
    throw new UsageError("progress-unknown", `unknown progress mode ${JSON.stringify(options.progress)}`, {
      hint: "modes: auto, plain",
    });
  const environment = hostEnvironment();
  const policy = parsePullPolicy(pullWord(options));
  const layers = given.has("layers") ? options.layers : environment.BUILDAH_LAYERS !== "false";
  checkAuthFile(options.authfile);
  const jobs = options.jobs ?? 0;
  return {
    context: args[0],
    files: options.file,
    shownTag: options.tag[0],
    tags: options.tag.map(localName),
    buildArgs: {
      ...pairs("--build-arg-file", options["build-arg-file"].flatMap(argLines)),
      ...pairs("--build-arg", options["build-arg"], (name) => environment[name]),
    },
    buildContexts: pairs("--build-context", options["build-context"]),
    target: options.target,
    useCache: !options["no-cache"] && layers,
    squash: options["squash-all"] ? "all" : options.squash || !layers ? "new" : "no",
    labels: pairs("--label", options.label, () => ""),
    annotations: pairs("--annotation", options.annotation, () => ""),
    env: Object.entries(pairs("--env", options.env, (name) => environment[name])).map(
      ([name, value]) => `${name}=${value}`,
    ),
    platform: wantedPlatform(options),
    docker: options.format === "docker",
    timestamp: timestamp(options.timestamp ?? options["source-date-epoch"] ?? environment.SOURCE_DATE_EPOCH),
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
        platform: platform ?? wantedPlatform(options),
      }),
  };
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
