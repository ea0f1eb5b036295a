import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { NotFoundError, UsageError } from "../../../base/index.ts";
import { generateUnits, quadletType, readQuadlets } from "../../../systemd/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["quadlet", "check"]],
  summary: "Say what quadlet files mean, or why they cannot be used",
  description:
    "Reads the files with the drop-ins beside them and prints the units they become. What cannot be used is named with file and line, and the exit status is 1 then. Files refer to one another only if all are named.",
  usage: "[options] FILE...",
  examples: [
    ["kelp quadlet check web.container data.volume", "Show the units"],
    ["kelp quadlet check --quiet *.container", "Say only what is wrong"],
  ],
  options: { quiet: { kind: "boolean", short: "q", text: "Print no units" } },
  args: { min: 1, completes: "file" },
  run({ io, args, options }) {
    const files = args.map((path) => resolve(path));
    const missing = files.find((path) => !existsSync(path));
    if (missing !== undefined)
      throw new NotFoundError("no-such-file", `cannot read ${missing}: no such file or directory`);
    const other = files.find((path) => quadletType(path) === undefined);
    if (other !== undefined)
      throw new UsageError("not-a-quadlet", `${other} is not a supported Quadlet file type`);
    const { quadlets, problems } = readQuadlets({ files, directories: [...new Set(files.map(dirname))] });
    const generated = generateUnits(quadlets, { command: process.execPath, user: true, exists: existsSync });
    if (!options.quiet) for (const { name, text } of generated.units) io.out(`---${name}---\n${text}\n`);
    const all = [...problems, ...generated.problems];
    for (const { message } of all) io.err(`Error: ${message}\n`);
    return all.length === 0 ? 0 : 1;
  },
});
