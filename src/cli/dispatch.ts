/** One command line from its words to its exit status. */
import { BUILD, log, parseLogLevel, showWaits, startLog, UsageError } from "../base/index.ts";
import { DEFAULTS } from "../config/index.ts";
import { readSettings } from "../state/index.ts";
import { normaliseArgv } from "./argv.ts";
import { checkArgs, checkAuthfile, checkChosen, checkExclusive } from "./arity.ts";
import type { CommandDef, Globals, Io, OptionTable } from "./command.ts";
import { FlagError } from "./flag-error.ts";
import { GLOBAL_OPTIONS, ROOT_OPTIONS, readGlobals } from "./globals.ts";
import { type Found, findCommand } from "./lookup.ts";
import { spokenCommand } from "./program.ts";
import { readValues } from "./values.ts";
import { waitView } from "./waits.ts";

/** Makes the terminal as the global flags want it. */
export type OpenIo = (globals: { readonly noout?: boolean; readonly out?: string | undefined }) => Io;

/**
 * Carries out `argv` (without the program's name).
 *
 * @throws what the command throws; exit.ts makes words and a status of it.
 */
export async function dispatch(argv: readonly string[], openIo: OpenIo): Promise<number> {
  const found = findCommand(argv);
  if (found.entry === undefined) return withoutCommand(found, openIo({}));
  const definition = (await found.entry.load()).default;
  try {
    return await runCommand(definition, found, argv, openIo);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    error.command = spokenCommand(found.path);
    throw await refusal(error, definition.paths[0] ?? []);
  }
}

/** A flag that podman or docker has there is refused with the reason. */
async function refusal(error: FlagError, path: readonly string[]): Promise<Error> {
  if (error.unknown === undefined) return error;
  const { refusalOf } = await import("./refused.ts");
  const refused = refusalOf(path.join(" "), error.unknown);
  return refused === undefined
    ? error
    : new UsageError("not-supported", `--${refused.name} is not supported: ${refused.why}`);
}

async function runCommand(
  definition: CommandDef,
  found: Found,
  argv: readonly string[],
  openIo: OpenIo,
): Promise<number> {
  const table: OptionTable = { ...GLOBAL_OPTIONS, ...definition.options };
  const read = normaliseArgv(found.rest, table, definition.args.options ?? "anywhere");
  if (found.help || read.help) {
    const { commandHelp, configuredDefaults } = await import("./help.ts");
    openIo({}).out(commandHelp(definition, found.path, await configuredDefaults(definition)));
    return 0;
  }
  const own = read.flags.filter((flag) => definition.options[flag.name] !== undefined);
  const others = read.flags.filter((flag) => definition.options[flag.name] === undefined);
  const globals = await effective(readGlobals([...found.globals, ...others]));
  checkExclusive(definition, new Set(own.map((flag) => flag.name)));
  const { options, given } = readValues(definition.options, own, globals.settings);
  checkArgs(definition, found.path, read.args);
  checkChosen(definition, given, read.args);
  checkAuthfile(found.path, given, (options as Readonly<Record<string, unknown>>).authfile);
  const io = openIo(globals);
  const problem = openLog(globals, found.path, io);
  if (problem !== undefined) {
    io.err(`${problem}\n`);
    return 1;
  }
  return definition.run({ options, given, args: read.args, io, argv, globals, path: found.path });
}

/** With the settings; those that cannot be read are for the command to complain about, if it needs any. */
async function effective(typed: ReturnType<typeof readGlobals>): Promise<Globals> {
  const settings = await readSettings(typed).catch(() => undefined);
  return { ...typed, noout: settings?.noout ?? typed.noout ?? false, settings };
}

/** Starts the log, or says why not: podman ends with 1 and no `Error:` here, and scripts look for that. */
function openLog(globals: Globals, path: readonly string[], io: Io): string | undefined {
  if (globals.conflict) return "Setting --log-level and --debug is not allowed";
  const wanted = globals.logLevel ?? globals.settings?.logLevel ?? DEFAULTS.logLevel;
  const level = parseLogLevel(wanted);
  if (level === undefined) {
    return `Log Level ${JSON.stringify(wanted)} is not supported, choose from: trace, debug, info, warn, error, fatal, panic`;
  }
  startLog(level, io.err);
  showWaits(waitView(io));
  if (level === DEFAULTS.logLevel) return undefined;
  log.info(`kelp ${BUILD.version} (${BUILD.commit})`);
  log.debug(`kelp ${path.join(" ")}`, { pid: process.pid });
  log.trace(`started from ${process.execPath}`);
  return undefined;
}

/** As podman does: behind a word that is no command, a flag that the root does not know is the first thing wrong. */
function checkRootFlags(words: readonly string[]): void {
  try {
    normaliseArgv(words, ROOT_OPTIONS, "anywhere");
  } catch (error) {
    if (error instanceof FlagError) error.command = spokenCommand([]);
    throw error;
  }
}

/** The root or a group alone: its help, or what is wrong with the word after it. */
async function withoutCommand(found: Found, io: Io): Promise<number> {
  if (found.version) {
    io.out(`${spokenCommand([])} version ${BUILD.version}\n`);
    return 0;
  }
  const { groupHelp, unknownCommand } = await import("./help.ts");
  if (found.help) {
    io.out(groupHelp(found.path));
    return 0;
  }
  if (found.rest[0] !== undefined) {
    if (found.path.length === 0 && found.rest[1]?.startsWith("-")) checkRootFlags(found.rest.slice(1));
    throw unknownCommand(found.path, found.rest[0]);
  }
  io.err(groupHelp(found.path));
  throw new UsageError("missing-command", `missing command '${spokenCommand(found.path)} COMMAND'`);
}
