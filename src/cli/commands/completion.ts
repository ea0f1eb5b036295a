import { writeFileSync } from "node:fs";
import { UsageError } from "../../base/index.ts";
import { defineCommand } from "../command.ts";
import { completionScript, SHELLS, type Shell } from "../completion-scripts.ts";
import { spokenCommand } from "../program.ts";

export default defineCommand({
  paths: [["completion"]],
  summary: "Generate the completion script of a shell",
  description: `Prints a script that completes commands, flags and the names of containers, images and
  volumes. The script asks kelp each time, so it need not be made again after an upgrade.`,
  usage: "[options] SHELL",
  examples: [
    ["source <(kelp completion bash)", "Complete in this bash"],
    ["kelp completion zsh -f ~/.zfunc/_kelp", "Complete in every new zsh that has ~/.zfunc in its fpath"],
    ["kelp completion fish -f ~/.config/fish/completions/kelp.fish", "Complete in every new fish"],
  ],
  options: {
    file: { kind: "string", short: "f", value: "FILE", text: "Write to a file instead", completes: "file" },
    "no-desc": { kind: "boolean", text: "Without descriptions beside the suggestions" },
  },
  args: { min: 1, max: 1, completes: SHELLS },
  run({ io, args, options }) {
    const shell = args[0] as Shell;
    if (args[0] === "powershell")
      throw new UsageError("not-supported", "completion for powershell is not supported: kelp runs on Linux");
    if (!SHELLS.includes(shell)) {
      throw new UsageError(
        "unknown-shell",
        `invalid argument ${JSON.stringify(shell)} for "kelp completion"`,
        {
          hint: `kelp knows ${SHELLS.join(", ")}`,
        },
      );
    }
    const script = completionScript(shell, spokenCommand([]), !options["no-desc"]);
    if (options.file === undefined) io.out(script);
    else writeFileSync(options.file, script);
    return 0;
  },
});
