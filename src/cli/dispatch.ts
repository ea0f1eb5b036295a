/** One command line from its words to its exit status. */
import { BUILD, parseLogLevel, startLog, UsageError } from "../base/index.ts";
import { normaliseArgv } from "./argv.ts";
import { checkArgs } from "./arity.ts";
import type { CommandDef, Io, OptionTable } from "./command.ts";
import { FlagError } from "./flag-error.ts";
import { GLOBAL_OPTIONS, readGlobals } from "./globals.ts";
import { type Found, findCommand } from "./lookup.ts";
import { readValues } from "./values.ts";

/**
 * Carries out `argv` (without the program's name).
 *
 * @throws what the command throws; exit.ts makes words and a status of it.
 */
export async function dispatch(argv: readonly string[], openIo: (silent: boolean) => Io): Promise<number> {
  const found = findCommand(argv);
  if (found.entry === undefined) return withoutCommand(found, openIo(false));
  const definition = (await found.entry.load()).default;
  try {
    return await runCommand(definition, found, argv, openIo);
  } catch (error) {
    if (error instanceof FlagError) error.command = ["kelp", ...found.path].join(" ");
    throw error;
  }
}

async function runCommand(
  definition: CommandDef,
  found: Found,
  argv: readonly string[],
  openIo: (silent: boolean) => Io,
): Promise<number> {
  const table: OptionTable = { ...GLOBAL_OPTIONS, ...definition.options };
  const read = normaliseArgv(found.rest, table, definition.args.options ?? "anywhere");
  if (found.help || read.help) {
    const { commandHelp } = await import("./help.ts");
    openIo(false).out(commandHelp(definition, found.path));
    return 0;
  }
  const own = read.flags.filter((flag) => definition.options[flag.name] !== undefined);
  const others = read.flags.filter((flag) => definition.options[flag.name] === undefined);
  const globals = readGlobals([...found.globals, ...others]);
  const { options, given } = readValues(definition.options, own);
  checkArgs(definition, found.path, read.args);
  const io = openIo(globals.noout);
  openLog(globals.logLevel, io);
  return definition.run({ options, given, args: read.args, io, argv, globals, path: found.path });
}

function openLog(word: string, io: Io): void {
  const level = parseLogLevel(word);
  if (level === undefined) {
    throw new UsageError("bad-log-level", `log level ${JSON.stringify(word)} is not supported`, {
      hint: "choose from trace, debug, info, warn, error, fatal, panic",
    });
  }
  startLog(level, io.err);
}

/** The root or a group alone: its help, or what is wrong with the word after it. */
async function withoutCommand(found: Found, io: Io): Promise<number> {
  if (found.version) {
    io.out(`kelp version ${BUILD.version}\n`);
    return 0;
  }
  const { groupHelp, unknownCommand } = await import("./help.ts");
  if (found.help) {
    io.out(groupHelp(found.path));
    return 0;
  }
  if (found.rest[0] !== undefined) throw unknownCommand(found.path, found.rest[0]);
  io.err(groupHelp(found.path));
  throw new UsageError("missing-command", `missing command '${["kelp", ...found.path].join(" ")} COMMAND'`);
}
