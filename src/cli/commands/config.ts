import { redact, redactEnv, UsageError } from "../../base/index.ts";
import {
  DEFAULTS,
  KEYS,
  OUTER,
  type OuterName,
  type SettingName,
  type Settings,
} from "../../config/index.ts";
import { driverName } from "../../container/index.ts";
import { findProgram } from "../../host/index.ts";
import { type Context, openContext } from "../../state/index.ts";
import { volumesDir } from "../../volume/index.ts";
import { defineCommand } from "../command.ts";
import { printFormatted } from "../format.ts";
import { FORMAT_OPTION, HEADING_OPTION } from "../options/listing.ts";

interface Row {
  readonly Name: string;
  /** As a configuration file would say it. */
  readonly Value: string;
  /** The value itself: a list, a number. */
  readonly Raw: unknown;
  readonly Source: string;
  readonly Flag: string;
  readonly Variable: string;
}

const BUILT_IN = "built in";

export default defineCommand({
  paths: [["config"]],
  summary: "Show every setting and where its value comes from",
  description: `Names are section.key of a configuration file, kelp.toml(5). A value comes from, the later the stronger: kelp itself,
  the containers.conf files, kelp's own configuration files, the environment, the command line.`,
  usage: "[options] [SETTING...]",
  examples: [
    ["kelp config --changed", "What somebody has set, and where"],
    ["kelp config storage.driver", "One setting"],
    ["kelp --storage-driver vfs config --format '{{.Value}}' storage.driver", "What an option comes to"],
  ],
  options: {
    changed: { kind: "boolean", short: "c", text: "Only what is not built in" },
    ...FORMAT_OPTION,
    ...HEADING_OPTION,
  },
  args: { min: 0, completes: "setting" },
  async run({ options, args, io, globals }) {
    const ctx = await openContext(globals);
    const rows = keyNames()
      .filter(({ name }) => args.length === 0 || args.includes(name))
      .map(({ name, setting }) => settingRow(ctx, name, setting));
    const unknown = args.find((name) => !rows.some((row) => row.Name === name));
    if (unknown !== undefined)
      throw new UsageError("unknown-setting", `there is no setting ${JSON.stringify(unknown)}`, {
        hint: "'kelp config' lists them",
      });
    await printFormatted(
      io,
      rows.filter(({ Source }) => !options.changed || Source !== BUILT_IN),
      {
        name: "config",
        format: options.format,
        columns: ["Name", "Value", "Source"],
        headings: { Name: "SETTING" },
        noHeading: options.noheading,
        noTrunc: true,
        json: ({ Raw, ...row }) => ({ ...row, Value: Raw }),
      },
    );
    return 0;
  },
});

interface KeyName {
  readonly name: string;
  readonly setting: SettingName;
}

function keyNames(): KeyName[] {
  return Object.entries(KEYS).flatMap(([section, keys]) =>
    Object.entries(keys).map(([key, { setting }]) => ({ name: `${section}.${key}`, setting })),
  );
}

function settingRow(ctx: Context, name: string, setting: SettingName): Row {
  const outer = Object.hasOwn(OUTER, setting) ? OUTER[setting as OuterName] : undefined;
  const value = effective(ctx, setting);
  return {
    Name: name,
    Value: asText(value),
    Raw: value,
    Source: ctx.settings.origins[setting] ?? BUILT_IN,
    Flag: outer?.flag ?? "",
    Variable: outer?.env.join(" ") ?? "",
  };
}

/** What an empty setting leaves to kelp. */
const CHOSEN: Readonly<Partial<Record<SettingName, (ctx: Context) => string>>> = {
  root: ({ paths }) => paths.data,
  runroot: ({ paths }) => paths.runtime,
  storageDriver: driverName,
  volumePath: volumesDir,
  networkCmdPath: ({ settings }) => findProgram("slirp4netns", settings.helperDirs) ?? "",
};

function effective(ctx: Context, setting: SettingName): unknown {
  const value: Settings[SettingName] = ctx.settings[setting] ?? DEFAULTS[setting];
  const chosen = value === "" ? CHOSEN[setting]?.(ctx) : undefined;
  if (chosen !== undefined) return chosen;
  if (setting === "env" || setting === "engineEnv") return (value as readonly string[]).map(redactEnv);
  return typeof value === "string" ? redact(value) : (value ?? "");
}

function asText(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(" ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
