import { escapeLines } from "../../../base/index.ts";
import { findSecret, inspectSecret, openSecret } from "../../../secret/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { INSPECT_FORMAT, inspectEach } from "../../inspected.ts";

export default defineCommand({
  paths: [["secret", "inspect"]],
  summary: "Inspect a secret",
  usage: "[options] SECRET [SECRET...]",
  options: {
    ...INSPECT_FORMAT,
    pretty: { kind: "boolean", text: "Print for people, as docker does" },
    showsecret: { kind: "boolean", text: "Print what is in it as well" },
  },
  args: { min: 1, completes: "secret" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    const find = (word: string) => {
      const secret = findSecret(ctx, word);
      const data = options.showsecret ? { SecretData: openSecret(ctx, secret).toString() } : {};
      return { ...inspectSecret(secret), ...data };
    };
    if (options.pretty) {
      io.out(args.map((word) => pretty(find(word))).join("\n"));
      return 0;
    }
    return inspectEach(io, { names: args, find, format: options.format, template: "secret inspect" });
  },
});

function pretty(secret: ReturnType<typeof inspectSecret>): string {
  const { ID, Spec, CreatedAt, UpdatedAt } = secret;
  const labels = Object.entries(Spec.Labels).map(([name, value]) => ` - ${name}=${value}\n`);
  return escapeLines(
    `ID:              ${ID}\nName:              ${Spec.Name}\nLabels:${labels.length === 0 ? "" : `\n${labels.join("").trimEnd()}`}\nDriver:            ${Spec.Driver.Name}\nCreated at:        ${CreatedAt}\nUpdated at:        ${UpdatedAt}\n`,
  );
}
