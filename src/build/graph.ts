/** Which stages a build needs, and which of them wait for which. */

import { UsageError } from "../base/index.ts";
import type { Dockerfile, Stage } from "./dockerfile/parse.ts";
import { syntaxError } from "./dockerfile/syntax-error.ts";

/** Finds an earlier stage by its name or number. */
export function stageByName(stages: readonly Stage[], name: string, before: number): Stage | undefined {
  const earlier = stages.slice(0, before);
  return (
    earlier.findLast((stage) => stage.from.as === name.toLowerCase()) ??
    (/^\d+$/.test(name) ? earlier[Number(name)] : undefined)
  );
}

/** The stage --target names, by default the last one. @throws {UsageError} `target-unknown` */
export function targetStage(file: Dockerfile, target: string | undefined): Stage {
  const last = file.stages.at(-1) as Stage;
  if (target === undefined || target === "") return last;
  const found = stageByName(file.stages, target, file.stages.length);
  if (found !== undefined) return found;
  const names = file.stages.flatMap(({ from }) => from.as ?? []);
  throw new UsageError(
    "target-unknown",
    `cannot build: target stage ${JSON.stringify(target)} could not be found in ${file.file.name}`,
    {
      ...(names.length === 0 ? {} : { hint: `its stages are ${names.join(", ")}` }),
    },
  );
}

/** What a stage takes from elsewhere, by the names in its FROM, COPY --from and RUN --mount=from. */
export type SourcesOf = (stage: Stage) => readonly string[];

export interface Needed {
  readonly stage: Stage;
  /** Numbers of the stages it waits for. */
  readonly waitsFor: ReadonlySet<number>;
}

/** The target and everything it needs, in the order of the file. A stage can only name earlier ones, so there are no cycles. */
export function neededStages(file: Dockerfile, target: Stage, sourcesOf: SourcesOf): Needed[] {
  const needed = new Map<number, Needed>();
  const pending = [target];
  for (let stage = pending.pop(); stage !== undefined; stage = pending.pop()) {
    if (needed.has(stage.index)) continue;
    const waitsFor = new Set<number>();
    for (const name of sourcesOf(stage)) {
      const source = stageByName(file.stages, name, stage.index);
      if (source === undefined) refuseLater(file, stage, name);
      else {
        waitsFor.add(source.index);
        pending.push(source);
      }
    }
    needed.set(stage.index, { stage, waitsFor });
  }
  return [...needed.values()].sort((a, b) => a.stage.index - b.stage.index);
}

/** A name of this or a later stage is a mistake; any other is an image's. */
function refuseLater(file: Dockerfile, stage: Stage, name: string): void {
  const later = file.stages.find(
    (other) => other.index >= stage.index && other.from.as === name.toLowerCase(),
  );
  if (later === undefined || stage.from.image.toLowerCase() === name.toLowerCase()) return;
  const line = stage.instructions.find((one) => "from" in one && one.from === name)?.line ?? stage.from.line;
  throw syntaxError(
    file.file,
    line.position,
    `stage ${JSON.stringify(name)} is not there yet: it is ${later === stage ? "this one" : "a later one"}`,
  );
}
