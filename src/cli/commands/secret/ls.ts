import { ago } from "../../../base/index.ts";
import { openContext, type SecretRecord } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { compileFilters, labelFilters } from "../../filters.ts";
import { printFormatted } from "../../format.ts";
import { FORMAT_OPTION, filterOn, HEADING_OPTION, QUIET_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [
    ["secret", "ls"],
    ["secret", "list"],
  ],
  summary: "List secrets",
  usage: "[options]",
  options: { ...filterOn("secrets"), ...FORMAT_OPTION, ...HEADING_OPTION, ...QUIET_OPTION },
  args: { min: 0, max: 0 },
  async run({ io, options, globals }) {
    const ctx = await openContext(globals);
    const now = Date.now();
    const matches = compileFilters<SecretRecord>(options.filter ?? [], {
      name: { test: (value) => (secret) => secret.name.includes(value) },
      id: { test: (value) => (secret) => secret.id.startsWith(value) },
      ...labelFilters<SecretRecord>((secret) => secret.labels),
    });
    const rows = ctx.state.secrets
      .list()
      .filter(matches)
      .map((secret) => ({
        ID: secret.id,
        Name: secret.name,
        Driver: "file",
        CreatedAt: ago(secret.created, now),
        UpdatedAt: ago(secret.updated, now),
      }));
    await printFormatted(io, rows, {
      name: "secret ls",
      format: options.format,
      columns: ["ID", "Name", "Driver", "CreatedAt", "UpdatedAt"],
      headings: { CreatedAt: "CREATED", UpdatedAt: "UPDATED" },
      noHeading: options.noheading,
      quiet: options.quiet ? "ID" : false,
    });
    return 0;
  },
});
