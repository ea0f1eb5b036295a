/** One instruction from its line. */
import { type Flags, splitFlags } from "./flags.ts";
import type { ArgInstruction, Command, CopyInstruction, Instruction } from "./instruction.ts";
import type { LogicalLine } from "./logical-lines.ts";
import { type SourceFile, syntaxError } from "./syntax-error.ts";
import { wordEnd } from "./word-end.ts";

export interface ParseContext {
  readonly file: SourceFile;
  readonly escapeChar: string;
}

/** What a parser of one keyword gets. */
interface Given {
  readonly line: LogicalLine;
  readonly flags: Flags;
  readonly text: string;
  readonly escapeChar: string;
  fail(reason: string, options?: { at?: number; hint?: string }): never;
}

type Parse = (given: Given) => Instruction;

const PARSERS: Readonly<Record<string, Parse>> = {
  FROM: parseFrom,
  RUN: parseRun,
  COPY: parseCopy,
  ADD: parseCopy,
  ENV: (given) => ({ kind: "env", line: given.line, pairs: parsePairs(given) }),
  LABEL: (given) => ({ kind: "label", line: given.line, pairs: parsePairs(given) }),
  ARG: parseArg,
  CMD: (given) => ({ kind: "cmd", line: given.line, command: parseCommand(given) }),
  ENTRYPOINT: (given) => ({ kind: "entrypoint", line: given.line, command: parseCommand(given) }),
  SHELL: parseShell,
  USER: (given) => ({ kind: "user", line: given.line, value: needText(given) }),
  WORKDIR: (given) => ({ kind: "workdir", line: given.line, value: needText(given) }),
  STOPSIGNAL: (given) => ({ kind: "stopsignal", line: given.line, value: needText(given) }),
  MAINTAINER: (given) => ({ kind: "maintainer", line: given.line, value: needText(given) }),
  EXPOSE: (given) => ({ kind: "expose", line: given.line, values: needText(given).split(/\s+/) }),
  VOLUME: (given) => ({ kind: "volume", line: given.line, values: parseVolumes(given) }),
  HEALTHCHECK: parseHealthcheck,
  ONBUILD: parseOnbuild,
};

export const KEYWORDS = Object.keys(PARSERS);

/** @throws {UsageError} `dockerfile-invalid` with file, line and column */
export function parseInstruction(line: LogicalLine, { file, escapeChar }: ParseContext): Instruction {
  const parse = Object.hasOwn(PARSERS, line.keyword) ? PARSERS[line.keyword] : undefined;
  if (parse === undefined) {
    const near = KEYWORDS.find((keyword) => isNear(keyword, line.keyword));
    const hint = near === undefined ? undefined : `did you mean ${near}?`;
    throw syntaxError(
      file,
      line.position,
      `unknown instruction: ${line.keyword.slice(0, 40).replace(/[^\x20-\x7e]/g, "?")}`,
      hint,
    );
  }
  const fail = (offset: number, reason: string, hint?: string): never => {
    throw syntaxError(file, line.at(offset), reason, hint);
  };
  const { flags, text, offset } = splitFlags(line, escapeChar, fail);
  return parse({
    line,
    flags,
    text,
    escapeChar,
    fail: (reason, options = {}) => fail(offset + (options.at ?? 0), reason, options.hint),
  });
}

/** One letter wrong, missing, too many, or two swapped. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return Math.max(a.length, b.length) - start - end <= 2;
}

function needText(given: Given): string {
  if (given.text === "") given.fail(`${given.line.keyword} requires at least one argument`);
  return given.text;
}

function parseFrom(given: Given): Instruction {
  const words = needText(given).split(/\s+/);
  const [image = "", as, name] = words;
  if (words.length !== 1 && (words.length !== 3 || as?.toLowerCase() !== "as"))
    given.fail("FROM requires either one or three arguments", {
      hint: "write FROM IMAGE or FROM IMAGE AS NAME",
    });
  if (name !== undefined && !/^[a-z][a-z0-9-_.]*$/i.test(name))
    given.fail(
      `invalid name for build stage: ${JSON.stringify(name)}, name can't start with a number or contain symbols`,
      {
        at: given.text.lastIndexOf(name),
      },
    );
  const platform = given.flags.value("platform");
  return {
    kind: "from",
    line: given.line,
    image,
    ...(name === undefined ? {} : { as: name.toLowerCase() }),
    ...(platform === undefined ? {} : { platform }),
  };
}

/** The JSON form if it is a list of strings, else undefined: a text that merely begins with a bracket is for the shell. */
function jsonList(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((item) => typeof item === "string") ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function parseCommand(given: Given): Command {
  const argv = jsonList(given.text);
  return argv === undefined ? { form: "shell", text: given.text } : { form: "exec", argv };
}

function parseRun(given: Given): Instruction {
  needText(given);
  const security = given.flags.value("security");
  // The file alone must not be able to ask for more than `run` gives.
  if (security !== undefined && security !== "sandbox")
    given.fail(
      `RUN --security=${security} is not supported: a step never gets more rights than a container of run`,
    );
  if (given.flags.list("device").length > 0) given.fail("RUN --device is not supported");
  const network = given.flags.value("network");
  if (network !== undefined && !["default", "none", "host"].includes(network))
    given.fail(`RUN --network=${network}: it is none of default, none, host`);
  const command = parseCommand(given);
  if (command.form === "exec" && command.argv.length === 0) given.fail("RUN requires a command");
  return {
    kind: "run",
    line: given.line,
    command,
    heredocs: given.line.heredocs,
    mounts: given.flags.list("mount"),
    ...(network === undefined ? {} : { network }),
  };
}

function parseCopy(given: Given): Instruction {
  const { line, flags } = given;
  const words = jsonList(given.text) ?? (given.text === "" ? [] : given.text.split(/\s+/));
  const destination = words.at(-1);
  if (words.length < 2 || destination === undefined) {
    given.fail(
      `${line.keyword} requires at least two arguments, but only ${words.length} ${words.length === 1 ? "was" : "were"} provided`,
      {
        hint: "the last one is the destination",
      },
    );
  }
  const value = <K extends "from" | "chown" | "chmod" | "checksum">(name: K) => {
    const found = flags.value(name);
    return found === undefined ? {} : ({ [name]: found } as Record<K, string>);
  };
  const unpack = flags.boolean("unpack");
  const instruction: CopyInstruction = {
    kind: line.keyword === "COPY" ? "copy" : "add",
    line,
    sources: words.slice(0, -1).filter((word) => line.heredocs.length === 0 || !word.startsWith("<<")),
    destination: destination as string,
    heredocs: line.heredocs,
    ...value("from"),
    ...value("chown"),
    ...value("chmod"),
    ...value("checksum"),
    link: flags.boolean("link") ?? false,
    parents: flags.boolean("parents") ?? false,
    excludes: flags.list("exclude"),
    keepGitDir: flags.boolean("keep-git-dir") ?? false,
    ...(unpack === undefined ? {} : { unpack }),
  };
  return instruction;
}

/** `a=b c="d e"`, or the old form with one name and the rest of the line as its value. Quotes stay for the expansion. */
function parsePairs(given: Given): (readonly [string, string])[] {
  const text = needText(given);
  const words = splitWords(text, given.escapeChar);
  if (!words[0]?.word.includes("=")) {
    const [, name = "", value = ""] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
    if (value === "")
      given.fail(`${given.line.keyword} must have two arguments`, {
        hint: `write ${given.line.keyword} NAME=VALUE`,
      });
    return [[name, value]];
  }
  return words.map(({ word, start }) => {
    const equals = word.indexOf("=");
    if (equals < 0)
      given.fail(`can't find = in ${JSON.stringify(word)}: must be of the form name=value`, { at: start });
    if (equals === 0) given.fail(`${given.line.keyword} names can not be blank`, { at: start });
    return [word.slice(0, equals), word.slice(equals + 1)] as const;
  });
}

export function splitWords(text: string, escapeChar: string): { word: string; start: number }[] {
  const words: { word: string; start: number }[] = [];
  for (let start = 0; start < text.length; ) {
    start += /^\s*/.exec(text.slice(start))?.[0].length ?? 0;
    if (start >= text.length) break;
    const end = wordEnd(text, start, escapeChar);
    words.push({ word: text.slice(start, end), start });
    start = end;
  }
  return words;
}

function parseArg(given: Given): ArgInstruction {
  const words = splitWords(needText(given), given.escapeChar);
  const args = words.map(({ word, start }) => {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name))
      given.fail(`ARG names can not be ${JSON.stringify(name)}`, { at: start });
    return equals < 0 ? { name } : { name, value: word.slice(equals + 1) };
  });
  return { kind: "arg", line: given.line, args };
}

function parseShell(given: Given): Instruction {
  const argv = jsonList(needText(given));
  if (argv === undefined || argv.length === 0)
    given.fail("SHELL requires the arguments to be in JSON form", {
      hint: 'for example SHELL ["/bin/bash", "-c"]',
    });
  return { kind: "shell", line: given.line, argv: argv as string[] };
}

function parseVolumes(given: Given): string[] {
  const values = jsonList(needText(given)) ?? given.text.split(/\s+/);
  if (values.length === 0 || values.some((value) => value.trim() === ""))
    given.fail("VOLUME specified can not be an empty string");
  return values;
}

function parseHealthcheck(given: Given): Instruction {
  const text = needText(given);
  const [, kind = "", rest = ""] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  const timing = Object.fromEntries(
    given.flags.names.map((name) => [name, given.flags.value(name) as string]),
  );
  if (kind.toUpperCase() === "NONE") {
    if (rest !== "" || given.flags.names.length > 0) given.fail("HEALTHCHECK NONE takes no arguments");
    return { kind: "healthcheck", line: given.line, timing };
  }
  if (kind.toUpperCase() !== "CMD")
    given.fail(`unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD or NONE)`);
  if (rest === "") given.fail("missing command after HEALTHCHECK CMD", { at: text.length - 1 });
  const command = parseCommand({ ...given, text: rest });
  return { kind: "healthcheck", line: given.line, command, timing };
}

/** The trigger is read when it is pulled; what can never be one is refused at once. */
function parseOnbuild(given: Given): Instruction {
  const text = needText(given);
  const keyword = /^\S+/.exec(text)?.[0].toUpperCase() ?? "";
  if (["ONBUILD", "FROM", "MAINTAINER"].includes(keyword))
    given.fail(`${keyword} isn't allowed as an ONBUILD trigger`);
  if (!Object.hasOwn(PARSERS, keyword)) given.fail(`unknown instruction: ${keyword}`);
  const heredocs = given.line.heredocs.map(({ name, content }) => `\n${content}${name}`).join("");
  return { kind: "onbuild", line: given.line, value: text + heredocs };
}
