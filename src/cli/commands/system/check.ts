import { openContext } from "../../../state/index.ts";
import { checkStore } from "../../../system/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["system", "check"]],
  summary: "Look for damage in the store, and mend it",
  description: `Every image's documents and layers are read and compared with their digests; what killed processes left is
  listed. With --repair layers are unpacked again from what is kept of them and leftovers are removed; images that cannot
  be mended so are removed with --force as well, to be pulled or loaded again. Volumes are never removed.`,
  usage: "[options]",
  examples: [
    ["kelp system check --quick", "See whether everything is there"],
    ["kelp system check --repair", "Mend what can be mended"],
  ],
  options: {
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
  },
  args: { min: 0, max: 0 },
  async run({ options, io, globals }) {
    const ctx = await openContext(globals);
    const findings = await checkStore(ctx, {
      quick: options.quick,
      repair: options.repair,
      force: options.force,
    });
    for (const { object, problem, repaired } of findings)
      io.out(`${object}: ${problem}${options.repair ? (repaired ? ": repaired" : ": not repaired") : ""}\n`);
    return findings.every(({ repaired }) => repaired) ? 0 : 125;
  },
});
