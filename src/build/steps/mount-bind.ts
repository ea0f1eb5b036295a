/**
 * RUN --mount=type=bind. What is mounted is a copy made for the step alone: whatever the step writes, and whatever links the
 * source has, neither the context nor a stage is reached, and files the ignore file leaves out are not there.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { contextDigest } from "./context-digest.ts";
import type { MountWords } from "./mount-words.ts";
import { mountFlag, type PlannedMount } from "./run-mounts.ts";
import { copyFrom, PLAIN_COPY, requestOf, type SourceRoot } from "./source-root.ts";
import type { StepContext } from "./step-context.ts";

export function bindMount(
  words: MountWords,
  target: string,
  step: StepContext,
  root: SourceRoot,
): PlannedMount {
  const source = words.source ?? "/";
  const request = {
    ...PLAIN_COPY,
    ...requestOf(root),
    patterns: [source],
    destination: "/source",
    keepsTop: true,
  };
  const content = root.kind === "directory" ? contextDigest(step, root.path, request) : [root.chain, source];
  return {
    key: ["bind", target, content, words.readOnly ?? true],
    make: async (dir) => {
      const copy = join(dir, "copy");
      mkdirSync(copy);
      const { count } = await copyFrom(step.session, root, { path: copy }, request, dir);
      const made = join(copy, "source");
      if (count === 0 && !existsSync(made))
        step.fail(`--mount: source ${JSON.stringify(source)}: no such file or directory`);
      if (!existsSync(made)) mkdirSync(made);
      return {
        mount: [
          mountFlag("bind", {
            source: made,
            destination: target,
            ...((words.readOnly ?? true) ? { ro: true } : {}),
          }),
        ],
      };
    },
  };
}
