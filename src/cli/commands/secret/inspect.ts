import { escapeLines, KelpError } from "../../../base/index.ts";
import { findSecret, inspectSecret, openSecret } from "../../../secret/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { reportFailure } from "../../exit.ts";
import { printJson } from "../../format.ts";
import { markMaps } from "../../inspect-objects.ts";

export default defineCommand({
  paths: [["secret", "inspect"]],
  summary: "Inspect a secret",
  usage: "[options] SECRET [SECRET...]",
  options: {
    format: {
      kind: "string",
      short: "f",
      value: "FORMAT",
      text: "Print as json or by a Go template",
      completes: ["json"],
    },
    pretty: { kind: "boolean", text: "Print for people, as docker does" },
    showsecret: { kind: "boolean", text: "Print what is in it as well" },
  },
  args: { min: 1, completes: "secret" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    let status = 0;
    const values: ReturnType<typeof inspectSecret>[] = [];
    for (const word of args) {
      try {
        const secret = findSecret(ctx, word);
        const data = options.showsecret ? { SecretData: openSecret(ctx, secret).toString() } : {};
        values.push({ ...inspectSecret(secret), ...data });
      } catch (error) {
        if (!(error instanceof KelpError)) throw error;
        status = reportFailure(error, io, false);
      }
    }
    if (options.pretty) {
      io.out(values.map(pretty).join("\n"));
      return status;
    }
    if (options.format === undefined || options.format === "" || options.format === "json") {
      io.out(printJson(values));
      return status;
    }
    const { renderTemplate } = await import("../../template.ts");
    for (const value of values) {
      markMaps(value as never);
      io.out(`${renderTemplate("secret inspect", options.format, value)}\n`);
    }
    return status;
  },
});

function pretty(secret: ReturnType<typeof inspectSecret>): string {
  const { ID, Spec, CreatedAt, UpdatedAt } = secret;
  const labels = Object.entries(Spec.Labels).map(([name, value]) => ` - ${name}=${value}\n`);
  return escapeLines(
    `ID:              ${ID}\nName:              ${Spec.Name}\nLabels:${labels.length === 0 ? "" : `\n${labels.join("").trimEnd()}`}\nDriver:            ${Spec.Driver.Name}\nCreated at:        ${CreatedAt}\nUpdated at:        ${UpdatedAt}\n`,
  );
}
