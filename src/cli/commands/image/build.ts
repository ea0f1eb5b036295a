import { appendFileSync, writeFileSync } from "node:fs";
import { type BuildRequest, type BuildResult, buildImage, type Reporter } from "../../../build/index.ts";
import { openContext } from "../../../state/index.ts";
import { metadataOf } from "../../build-metadata.ts";
import { TerminalReporter } from "../../build-progress.ts";
import { PlainReporter, QuietReporter } from "../../build-reporter.ts";
import { makeRequest } from "../../build-request.ts";
import { defineCommand, type Invocation, type Io } from "../../command.ts";
import { interruptible } from "../../interrupt.ts";
import { BUILD_OPTIONS } from "../../options/build.ts";

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
    const view = chooseView(invocation, request, target);
    const result = await interruptible((signal) => {
      const acquire: BuildRequest["acquire"] = (name, platform) =>
        view.suspended(() => request.acquire(name, platform));
      return buildImage(ctx, { ...request, acquire, signal }, view.reporter);
    }).finally(view.close);
    if (!options.quiet) tell(target, request, result);
    writeResults(options, request, result);
    if (request.output?.destination !== "-") for (const { record } of result.images) io.out(`${record.id}\n`);
    return 0;
  },
});

interface View {
  readonly reporter: Reporter;
  /** While something else may draw. */
  suspended<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
}

function chooseView({ options, io }: Given, request: BuildRequest, target: Pick<Io, "out" | "err">): View {
  const live = options.progress === "tty" || (options.progress === "auto" && io.stdoutIsTty);
  if (live && io.stderrIsTty && !options.quiet && options.logfile === undefined) {
    const reporter = new TerminalReporter(io, { color: (request.environment.NO_COLOR ?? "") === "" });
    return {
      reporter,
      suspended: (work) => reporter.suspended(work),
      close: () => reporter.close(),
    };
  }
  const reporter = options.quiet ? new QuietReporter(target) : new PlainReporter(target);
  return { reporter, suspended: (work) => work(), close: () => {} };
}

function tell({ out }: Pick<Io, "out">, request: BuildRequest, { images, lists }: BuildResult): void {
  for (const { record } of images) out(`--> ${record.id.slice(0, 12)}\n`);
  const tags = images.length === 1 ? request.tags : [];
  for (const name of [...tags, ...lists]) out(`Successfully tagged ${name}\n`);
}

/** Files that say what came out. */
function writeResults(
  options: Given["options"],
  { tags, docker }: BuildRequest,
  { images }: BuildResult,
): void {
  const [image] = images;
  if (image === undefined) return;
  const { id } = image.record;
  if (options.iidfile !== undefined) writeFileSync(options.iidfile, `sha256:${id}`);
  if (options["iidfile-raw"] !== undefined) writeFileSync(options["iidfile-raw"], id);
  if (options["metadata-file"] !== undefined)
    writeFileSync(options["metadata-file"], metadataOf(image, { tags, docker }));
}

/** Standard output is the archive's where --output says so. */
function progressTo(io: Io, { output }: BuildRequest): Pick<Io, "out" | "err"> {
  return output?.destination === "-" ? { out: (text) => io.err(text), err: (text) => io.err(text) } : io;
}

function logTo(path: string): Pick<Io, "out" | "err"> {
  writeFileSync(path, "");
  const write = (text: string) => appendFileSync(path, text);
  return { out: write, err: write };
}
