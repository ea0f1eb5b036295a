import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { BUILD, log, UsageError } from "../../../base/index.ts";
import { hostEnvironment } from "../../../config/index.ts";
import { resolveContainer } from "../../../container/index.ts";
import { type ContainerRecord, openContext } from "../../../state/index.ts";
import { type ContainerUnitOptions, containerUnit, literalUnitWord } from "../../../systemd/index.ts";
import { defineCommand, type Globals, type OptionValues } from "../../command.ts";
import { printJson } from "../../format.ts";
import { UNIT_OPTIONS } from "../../options/unit.ts";
import { recreation } from "../../recreate.ts";

const POLICIES = ["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"];

export default defineCommand({
  paths: [["generate", "systemd"]],
  summary: "[DEPRECATED] Generate systemd units",
  description:
    "DEPRECATED command: quadlet files (kelp-quadlet(1)) say the same in fewer words and follow changes. The unit starts and stops the container with systemd; with --new it makes the container at every start and removes it at every stop, and does not need the one it was generated from.",
  usage: "[options] CONTAINER",
  examples: [
    ["kelp generate systemd --new --files --name web", "Write container-web.service"],
    ["kelp generate systemd --restart-policy always web", "Print a unit for an existing container"],
  ],
  options: UNIT_OPTIONS,
  args: { min: 1, max: 1, completes: "container" },
  async run({ io, args, options, given, globals }) {
    checkOptions(options, given);
    io.err(
      "DEPRECATED command:\nquadlet files are recommended for running containers under systemd (kelp quadlet --help)\n",
    );
    const ctx = await openContext(globals);
    const record = resolveContainer(ctx, args[0]!);
    const isNew = options.new || options.template;
    if (!isNew && record.config.restart.policy !== "no") {
      log.warn(
        `Container ${args[0]} has restart policy ${JSON.stringify(record.config.restart.policy)} which can lead to issues on shutdown: consider recreating the container without a restart policy and use systemd's instead`,
      );
    }
    const reference = options.name ? record.name : record.id;
    const stem = `${options["container-prefix"]}${options["container-prefix"] === "" ? "" : options.separator}${reference}`;
    const name = `${stem}${options.template ? "@" : ""}.service`;
    const text = containerUnit({
      name,
      command: process.execPath,
      ...(isNew
        ? newContainer(record, options.template)
        : { global: storeFlags(globals), container: { reference } }),
      options: unitOptions(name, record, options, given),
    });
    if (!options.files) {
      io.out(options.format === "json" ? printJson({ [name.slice(0, -".service".length)]: text }) : text);
      return 0;
    }
    // podman leaves the @ to whoever puts the file in its place.
    const path = resolve(join(process.cwd(), `${stem}.service`));
    writeFileSync(path, text, { mode: 0o644 });
    io.out(
      options.format === "json" ? printJson({ [name.slice(0, -".service".length)]: path }) : `${path}\n`,
    );
    return 0;
  },
});

type Options = OptionValues<typeof UNIT_OPTIONS>;

function checkOptions(options: Options, given: ReadonlySet<string>): void {
  const policy = options["restart-policy"];
  if (given.has("restart-policy") && !POLICIES.includes(policy ?? ""))
    throw new UsageError("invalid-restart-policy", `${policy} is not a valid restart policy`, {
      hint: `systemd's are ${POLICIES.join(", ")}`,
    });
  if (options.template && given.has("new") && !options.new)
    throw new UsageError("conflicting-flags", "--template cannot be set if --new is set to false");
  if (options.format !== undefined && options.format !== "json")
    throw new UsageError("unknown-format", `unknown --format argument: ${options.format}`);
}

/** Where this kelp keeps its things, if it was told so. */
function storeFlags(globals: Globals): string[] {
  return [
    ...(globals.root === undefined ? [] : [`--root=${globals.root}`]),
    ...(globals.runroot === undefined ? [] : [`--runroot=${globals.runroot}`]),
  ];
}

function newContainer(record: ContainerRecord, isTemplate: boolean) {
  const { global, words, sdnotify } = recreation(record);
  const name = literalUnitWord(record.name) + (isTemplate ? "-%i" : "");
  const run = [`--name=${name}`, ...words.map(literalUnitWord)];
  return {
    global,
    container: { run, sdnotify: sdnotify === undefined || sdnotify === "ignore" ? "conmon" : sdnotify },
  };
}

function unitOptions(
  name: string,
  { config }: ContainerRecord,
  options: Options,
  given: ReadonlySet<string>,
): ContainerUnitOptions {
  const own = config.restart.policy === "unless-stopped" ? "always" : config.restart.policy;
  const retries =
    config.restart.policy === "on-failure" && config.restart.retries > 0 ? config.restart.retries : undefined;
  return {
    after: options.after,
    wants: options.wants,
    requires: options.requires,
    env: options.env.flatMap((word) => environmentWords(word)),
    restartPolicy: options["restart-policy"] ?? (own === "no" ? "on-failure" : own),
    startLimit: given.has("restart-policy") ? undefined : retries,
    restartSec: options["restart-sec"],
    startTimeout: options["start-timeout"],
    stopTimeout: options["stop-timeout"] ?? config.stopTimeout,
    header: options["no-header"]
      ? []
      : [name, `autogenerated by kelp ${BUILD.version}`, new Date().toUTCString()],
  };
}

/** `NAME` is the shell's, if it has it; `PREFIX*` all of those. */
function environmentWords(word: string): string[] {
  if (word.includes("=")) return [word];
  const host = Object.entries(hostEnvironment()).filter(([name]) =>
    word.endsWith("*") ? name.startsWith(word.slice(0, -1)) : name === word,
  );
  return host.map(([name, value]) => `${name}=${value}`);
}
