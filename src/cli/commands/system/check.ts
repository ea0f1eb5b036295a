import { openContext } from "../../../state/index.ts";
import { checkStore } from "../../../system/index.ts";
import { defineCommand } from "../../command.ts";
import { interruptible } from "../../interrupt.ts";
import {
  AUTH_OPTIONS,
  accessOptions,
  CREDS_OPTION,
  RETRY_OPTIONS,
  retryOptions,
} from "../../options/registry.ts";
import { showProgress } from "../../progress.ts";

export default defineCommand({
  paths: [["system", "check"]],
  summary: "Look for damage in the store, and mend it",
  description: `Every image's documents and layers are read and compared with their digests; what killed processes left is
  listed. With --repair layers are unpacked again from what is kept of them, what is lost is fetched again from the registry
  the image came from (damaged layers only), and leftovers are removed; images that cannot be mended so are removed with
  --force as well, to be pulled or loaded again. Volumes are never removed.`,
  usage: "[options]",
  examples: [
    ["kelp system check --quick", "See whether everything is there"],
    ["kelp system check --repair", "Mend what can be mended"],
  ],
  options: {
    ...AUTH_OPTIONS,
    ...CREDS_OPTION,
    force: {
      kind: "boolean",
      short: "f",
      text: "With --repair, remove images that cannot be mended, and their containers",
    },
    max: {
      kind: "duration",
      short: "m",
      value: "TIME",
      hidden: true,
      text: "Accepted: layers of no image are always listed",
    },
    quick: { kind: "boolean", short: "q", text: "Do not compare the content of layers" },
    repair: { kind: "boolean", short: "r", text: "Mend or remove what is damaged" },
    ...RETRY_OPTIONS,
  },
  args: { min: 0, max: 0 },
  async run({ options, given, io, globals }) {
    const ctx = await openContext(globals);
    const { quick, repair, force } = options;
    const progress = showProgress(io, !io.stderrIsTty);
    const findings = await interruptible((signal) =>
      checkStore(ctx, {
        quick,
        repair,
        force,
        fetch: {
          access: accessOptions(options, given),
          ...retryOptions(ctx, options, given),
          progress,
          signal,
        },
      }),
    ).finally(() => progress.close());
    for (const { object, problem, repaired } of findings)
      io.out(`${object}: ${problem}${repair ? (repaired ? ": repaired" : ": not repaired") : ""}\n`);
    return findings.every(({ repaired }) => repaired) ? 0 : 125;
  },
});
