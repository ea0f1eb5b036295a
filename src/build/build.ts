/** A whole build: the file, the graph of its stages, the image. */
import { UsageError } from "../base/index.ts";
import { isPresentProcess, isStep, removeContainer } from "../container/index.ts";
import {
  jobRunner,
  manifestLists,
  openStepCache,
  type StepCache,
  type StoredImage,
  untagImage,
} from "../image/index.ts";
import type { Platform } from "../oci/index.ts";
import type { Context } from "../state/index.ts";
import { hasLeftovers, lockShared, sweepStore } from "../storage/index.ts";
import { type DockerfileText, openBuildContext } from "./context/open.ts";
import { type Dockerfile, parseDockerfile, type Stage } from "./dockerfile/parse.ts";
import { finishImage } from "./finish.ts";
import { type Needed, neededStages, targetStage } from "./graph.ts";
import { exportFiles, exportImage } from "./output.ts";
import { Session, type SessionParts } from "./session.ts";
import { buildStage, fromName, hostPlatform, isNamed } from "./stage.ts";
import { emptyState, type StageState } from "./stage-state.ts";
import { StepLayers } from "./step-layers.ts";
import { StepContext } from "./steps/step-context.ts";
import type { BuildRequest, BuildResult, Reporter } from "./types.ts";
import { BuildArgs, platformArgs } from "./variables.ts";

/**
 * Builds and records an image, or one for each platform. Nothing is tagged unless every step has succeeded; what the
 * good steps made stays in the cache.
 *
 * @throws {KelpError} with the exit status of the step that failed
 */
export async function buildImage(
  ctx: Context,
  request: BuildRequest,
  reporter: Reporter,
): Promise<BuildResult> {
  ctx.state.expectWrites();
  await removeAbandoned(ctx);
  const remote = await stepCache(ctx, request, reporter);
  const context = await openBuildContext(ctx, request);
  const lock = await lockShared(ctx.paths);
  try {
    const file = readDockerfile(context.dockerfile);
    const steps = new StepLayers(ctx, request, remote);
    const parts = { ctx, request, reporter, file, context, steps };
    const platforms = request.platforms.length === 0 ? [undefined] : request.platforms;
    const built = await allDone(platforms.map((platform) => buildFor(parts, platform)));
    await steps.end();
    const images = built.filter((image) => image !== undefined);
    return { images, lists: await joinImages(ctx, request, images) };
  } finally {
    lock.release();
    await context.close();
    if (hasLeftovers(ctx)) await sweepStore(ctx, jobRunner(ctx));
  }
}

/** Errors tell the wrong line, unless it is one of a file that whoever made the context may not see. */
function readDockerfile({ text, name, isPrivate }: DockerfileText): Dockerfile {
  try {
    const file = parseDockerfile(text, name);
    return isPrivate === true ? { ...file, file: { name, lines: [] } } : file;
  } catch (error) {
    if (isPrivate !== true || !(error instanceof UsageError)) throw error;
    throw new UsageError(
      "dockerfile-invalid",
      `cannot build: ${name} leads out of the context to what is no Dockerfile`,
    );
  }
}

const STOP_AGAIN_MS = 250;

type Parts = Omit<SessionParts, "args" | "platform">;

async function buildFor(parts: Parts, platform: Platform | undefined): Promise<StoredImage | undefined> {
  const { request, file, context } = parts;
  const target = targetStage(file, request.target);
  const variables = platformArgs(platform ?? hostPlatform(), hostPlatform(), request.target);
  const args = new BuildArgs(request.buildArgs, variables, file.globalArgs, file.directives.escape);
  const session = new Session({ ...parts, args, platform });
  let again: ReturnType<typeof setInterval> | undefined;
  // A step that is just starting cannot be stopped yet.
  const stop = () => {
    again = setInterval(() => void stopRunning(session), STOP_AGAIN_MS);
    void stopRunning(session);
  };
  request.signal?.addEventListener("abort", stop);
  try {
    const state = await runStages(session, target);
    context.contents.save();
    tellUnused(session);
    return await deliver(session, state);
  } catch (error) {
    await stopRunning(session);
    throw error;
  } finally {
    clearInterval(again);
    request.signal?.removeEventListener("abort", stop);
    await session.closePlaces();
  }
}

async function stepCache(
  ctx: Context,
  { stepCache: options, signal }: BuildRequest,
  reporter: Reporter,
): Promise<StepCache | undefined> {
  if (options.from.length + options.to.length === 0) return undefined;
  return openStepCache(ctx, { ...options, signal, warn: (text) => reporter.notice(`[Warning] ${text}`) });
}

/** The indexes that --manifest, and with several platforms --tag, ask for. @returns their names */
async function joinImages(
  ctx: Context,
  { manifest, tags, platforms }: BuildRequest,
  images: readonly StoredImage[],
): Promise<string[]> {
  if (images.length === 0) return [];
  const ids = images.map(({ record }) => record.id);
  const fresh = platforms.length > 1 ? tags : [];
  if (fresh.length === 0 && manifest === undefined) return [];
  const { createList } = await manifestLists();
  for (const name of fresh) {
    if (ctx.state.images.byName(name) !== undefined) untagImage(ctx, name, [name]);
    await createList(ctx, name, ids, {});
  }
  if (manifest !== undefined) await createList(ctx, manifest, ids, { amend: true });
  return manifest === undefined ? [...fresh] : [manifest, ...fresh];
}

/** The image, or with --output what was asked for instead. */
async function deliver(session: Session, state: StageState): Promise<StoredImage | undefined> {
  const { output, shownTag, manifest } = session.request;
  if (output?.type === "local" || output?.type === "tar") {
    await exportFiles(session, state, output);
    return undefined;
  }
  session.reporter.commit(shownTag ?? manifest);
  const image = await finishImage(session, state);
  if (output !== undefined) await exportImage(session, image, output);
  return image;
}

/** Every stage begins as soon as those it takes from are done; the first failure is the build's. */
async function runStages(session: Session, target: Stage): Promise<StageState> {
  const needed = neededStages(session.file, target, (stage) => sourceNames(session, stage));
  const results = new Map<number, Promise<StageState>>();
  for (const [index, { stage, waitsFor }] of needed.entries()) {
    const place = { position: index + 1, stages: needed.length, results };
    results.set(stage.index, startWhenReady(session, { stage, waitsFor }, place));
  }
  await allDone(results.values());
  return results.get(target.index) as Promise<StageState>;
}

/** All are waited for, whatever becomes of one: what goes on alone would write into a store nobody watches. */
async function allDone<T>(work: Iterable<Promise<T>>): Promise<T[]> {
  const done = await Promise.allSettled(work);
  return done.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

async function startWhenReady(
  session: Session,
  { stage, waitsFor }: Needed,
  place: Parameters<typeof buildStage>[2],
): Promise<StageState> {
  await Promise.all([...waitsFor].map((index) => place.results.get(index)));
  return buildStage(session, stage, place);
}

/** Names of everything a stage takes from. */
function sourceNames(session: Session, stage: Stage): string[] {
  const step = new StepContext(
    session,
    { stage: 0, stages: 0, step: 0, steps: 0, text: "", isLast: false },
    stage.from.line,
    emptyState(hostPlatform()),
    {
      command: false,
    },
  );
  const names = [fromName(session, stage, step)];
  for (const instruction of stage.instructions) {
    if ((instruction.kind === "copy" || instruction.kind === "add") && instruction.from !== undefined) {
      if (instruction.from.includes("$"))
        throw new StepContext(session, step.title, instruction.line, emptyState(hostPlatform()), {
          command: false,
        }).error(
          "variable expansion is not supported for --from",
          "give the image a name: FROM $IMAGE AS name, and use --from=name",
        );
      names.push(instruction.from);
    }
    if (instruction.kind === "run") names.push(...instruction.mounts.flatMap(mountSource));
  }
  return names.filter((name) => !isNamed(session, name));
}

/** The `from` of a RUN --mount. */
function mountSource(text: string): string[] {
  return text.split(",").flatMap((field) => (field.startsWith("from=") ? [field.slice(5)] : []));
}

function tellUnused(session: Session): void {
  const unused = session.args.unused();
  if (unused.length > 0)
    session.reporter.notice(`[Warning] one or more build args were not consumed: [${unused.join(" ")}]`);
}

/** Steps whose build was killed: their containers are of no use to anybody. */
async function removeAbandoned(ctx: Context): Promise<void> {
  for (const record of ctx.state.containers.list()) {
    if (!isStep(record) || isPresentProcess(record.config.creator ?? "")) continue;
    await removeContainer(ctx, record, { force: true, timeout: 0 });
  }
}

async function stopRunning(session: Session): Promise<void> {
  for (const id of session.running) {
    const record = session.ctx.state.containers.get(id);
    if (record !== undefined) await removeContainer(session.ctx, record, { force: true, timeout: 0 });
  }
}
