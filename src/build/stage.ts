/** One stage from its FROM to its last instruction. */
import { rfc3339, UsageError } from "../base/index.ts";
import { hostArchitecture, imageConfig, imageLayers, wantedPlatform } from "../image/index.ts";
import type { Platform } from "../oci/index.ts";
import { withoutUser } from "./context/http.ts";
import { expandWord } from "./dockerfile/expand.ts";
import type { StageInstruction } from "./dockerfile/instruction.ts";
import { parseTriggers, type Stage } from "./dockerfile/parse.ts";
import { stageByName } from "./graph.ts";
import type { Session } from "./session.ts";
import { chainOf, emptyState, type StageState, stateOfImage, stateOfStage } from "./stage-state.ts";
import type { LayerStep } from "./step-layers.ts";
import { CONFIG_STEPS, isConfigStep, resolveWorkdir } from "./steps/config.ts";
import { copyStep } from "./steps/copy.ts";
import { runStep } from "./steps/run.ts";
import type { SourceRoot } from "./steps/source-root.ts";
import { StepContext } from "./steps/step-context.ts";
import { workdirStep } from "./steps/workdir.ts";
import type { StepTitle } from "./types.ts";

/** Results of the stages that are done or under way, by number. */
export type StageResults = ReadonlyMap<number, Promise<StageState>>;

export interface StagePlace {
  /** From 1, among the stages that are built. */
  readonly position: number;
  readonly stages: number;
  readonly results: StageResults;
}

export async function buildStage(session: Session, stage: Stage, place: StagePlace): Promise<StageState> {
  const runner = new StageRunner(session, stage, place);
  const state = await runner.from();
  const triggers = runner.triggers;
  for (const instruction of [...triggers, ...stage.instructions]) await runner.step(instruction, state);
  return state;
}

class StageRunner {
  readonly #session: Session;
  readonly #stage: Stage;
  readonly #place: StagePlace;
  #number = 1;
  #ownCommand = false;
  triggers: readonly StageInstruction[] = [];

  constructor(session: Session, stage: Stage, place: StagePlace) {
    this.#session = session;
    this.#stage = stage;
    this.#place = place;
  }

  #title(text: string): StepTitle {
    const { position, stages } = this.#place;
    const steps = 1 + this.triggers.length + this.#stage.instructions.length;
    return {
      stage: position,
      stages,
      step: this.#number,
      steps,
      text: withoutUser(text),
      isLast: position === stages && this.#number === steps,
      platform: this.#session.shownPlatform,
    };
  }

  async from(): Promise<StageState> {
    const { from } = this.#stage;
    const step = new StepContext(this.#session, this.#title(""), from.line, emptyState(hostPlatform()), {
      command: false,
    });
    const name = fromName(this.#session, this.#stage, step);
    const title = this.#title(`FROM ${name}${from.as === undefined ? "" : ` AS ${from.as}`}`);
    this.#session.reporter.step(title);
    const isStage = !isNamed(this.#session, name);
    const source = isStage ? stageByName(this.#session.file.stages, name, this.#stage.index) : undefined;
    const state = await this.#begin(name, source, step);
    return state;
  }

  async #begin(name: string, source: Stage | undefined, step: StepContext): Promise<StageState> {
    if (source !== undefined) {
      const result = await (this.#place.results.get(source.index) as Promise<StageState>);
      this.triggers = this.#readTriggers(result.config.OnBuild, name);
      return stateOfStage(result);
    }
    const named = this.#session.request.buildContexts[name];
    const image = imageOf(named) ?? name;
    if (named !== undefined && image === name)
      step.fail(`build context ${name} is no image: FROM needs one`, "write docker-image://IMAGE");
    if (image === "scratch") return emptyState(this.#session.platform ?? hostPlatform());
    const platform = this.#stage.from.platform;
    try {
      const { record } = await this.#session.request.acquire(
        image,
        platform === undefined
          ? this.#session.platform
          : wantedPlatform({ platform: globalWord(this.#session, platform, step) }),
      );
      const config = imageConfig(record);
      this.triggers = this.#readTriggers(config.config.OnBuild, name);
      const state = stateOfImage(config, imageLayers(this.#session.ctx, record), record.id);
      if (this.#session.request.without.baseLabels) delete state.config.Labels;
      return state;
    } catch (error) {
      throw step.placed(error, "creating build container");
    }
  }

  #readTriggers(triggers: readonly string[] | undefined, name: string): StageInstruction[] {
    return parseTriggers(triggers ?? [], name, this.#session.file.directives.escape);
  }

  async step(instruction: StageInstruction, state: StageState): Promise<void> {
    this.#number++;
    const session = this.#session;
    const title = this.#title(instruction.line.text);
    const step = new StepContext(session, title, instruction.line, state, { command: this.#ownCommand });
    session.checkInterrupted();
    session.reporter.step(title);
    try {
      const cached = await this.#perform(instruction, state, step);
      if (instruction.kind === "cmd") this.#ownCommand = true;
      session.reporter.done(title, idOf(state), cached);
    } catch (error) {
      session.reporter.failed(title);
      throw step.placed(error);
    }
  }

  /** @returns whether the cache had its layer */
  async #perform(instruction: StageInstruction, state: StageState, step: StepContext): Promise<boolean> {
    if (isConfigStep(instruction.kind)) {
      const apply = CONFIG_STEPS[instruction.kind] as (
        one: StageInstruction,
        state: StageState,
        step: StepContext,
      ) => string;
      addHistory(state, `/bin/sh -c #(nop) ${apply(instruction, state, step)}`, undefined);
      return false;
    }
    switch (instruction.kind) {
      case "workdir": {
        const path = resolveWorkdir(state, step.word(instruction.value));
        const result = await workdirStep(path, state, step);
        state.config.WorkingDir = path;
        addHistory(state, `/bin/sh -c #(nop) WORKDIR ${path}`, result);
        return result.cached;
      }
      case "run": {
        const result = await runStep(instruction, state, step, (name) => this.#root(name));
        addHistory(state, result.history, result);
        return result.cached;
      }
      case "copy":
      case "add": {
        const result = await copyStep(instruction, state, step, await this.#root(instruction.from));
        addHistory(state, `/bin/sh -c #(nop) ${result.history}`, result);
        return result.cached;
      }
      default:
        throw new Error(`no step for ${instruction.kind}`);
    }
  }

  async #root(name: string | undefined): Promise<SourceRoot> {
    const { context } = this.#session;
    if (name === undefined) return { kind: "directory", path: context.directory, ignore: context.ignore };
    return sourceRoot(this.#session, this.#stage, this.#place, name);
  }
}

/** What `--from=NAME` means: a stage, a named context, or an image. */
async function sourceRoot(
  session: Session,
  stage: Stage,
  place: StagePlace,
  name: string,
): Promise<SourceRoot> {
  const source = isNamed(session, name) ? undefined : stageByName(session.file.stages, name, stage.index);
  if (source !== undefined) {
    const state = await place.results.get(source.index);
    if (state === undefined)
      throw new UsageError(
        "trigger-stage",
        `stage ${JSON.stringify(name)} is needed by a trigger of the base image only`,
        { hint: "name it in a COPY --from of this file as well" },
      );
    return { kind: "layers", rows: state.layers.map((layer) => layer.record.row), chain: chainOf(state) };
  }
  const named = session.request.buildContexts[name];
  if (named !== undefined && imageOf(named) === undefined)
    return { kind: "directory", path: await session.namedDirectory(named), ignore: [] };
  const { record } = await session.request.acquire(imageOf(named) ?? name, session.platform);
  const layers = imageLayers(session.ctx, record);
  return { kind: "layers", rows: record.layers, chain: layers.at(-1)?.record.chainId ?? "scratch" };
}

function addHistory(state: StageState, text: string, result: LayerStep | undefined): void {
  const layer = result?.layer;
  if (layer !== undefined) state.layers.push(layer);
  state.history.push({
    created_by: text,
    ...(layer === undefined ? { empty_layer: true } : { created: rfc3339(result?.created ?? 0) }),
  });
}

/** --build-context NAME=…: it comes before stages and images of that name. */
export function isNamed(session: Session, name: string): boolean {
  return Object.hasOwn(session.request.buildContexts, name);
}

function imageOf(named: string | undefined): string | undefined {
  return /^(?:docker|container)-image:\/\/(.+)$/.exec(named ?? "")?.[1];
}

/** The image or stage of a FROM, with the variables that are known before the first of them. */
export function fromName(session: Session, stage: Stage, step: StepContext): string {
  const name = globalWord(session, stage.from.image, step);
  if (name === "") step.fail(`base name (${stage.from.image}) should not be blank`);
  return name;
}

function globalWord(session: Session, text: string, step: StepContext): string {
  try {
    return expandWord(text, { escape: session.file.directives.escape, lookup: session.args.lookupGlobal });
  } catch (error) {
    return step.fail((error as Error).message);
  }
}

export function hostPlatform(): Platform {
  return { os: "linux", architecture: hostArchitecture() };
}

/** What a step's line ends with: it tells whether two builds agree so far. */
function idOf(state: StageState): string {
  return (state.layers.at(-1)?.record.chainId ?? `sha256:${"0".repeat(64)}`).slice(7);
}
