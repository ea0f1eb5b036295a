/** Signal names and numbers as people write them: `9`, `KILL`, `SIGKILL`, `-INT`, `RTMIN+3`. Linux on x86-64 and arm64. */
import { UsageError } from "../base/index.ts";

const NAMES =
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS".split(
    " ",
  );
const SIGRTMIN = 34;
const SIGRTMAX = 64;

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...NAMES.map((name, index): [string, number] => [name, index + 1]),
  ["IOT", 6],
  ["CLD", 17],
  ["POLL", 29],
  ["UNUSED", 31],
  ["RTMIN", SIGRTMIN],
  ["RTMAX", SIGRTMAX],
]);

/** The number of a signal; a leading dash and `SIG` are optional, case does not matter. */
export function parseSignal(text: string): number {
  const word = text.startsWith("-") ? text.slice(1) : text;
  if (/^\d+$/.test(word)) {
    const number = Number(word);
    if (number === 0) throw invalidSignal(word);
    if (number > SIGRTMAX) throw new UsageError("invalid-signal", "valid signals are 1 through 64");
    return number;
  }
  const name = word.toUpperCase().replace(/^SIG/, "");
  const known = NUMBERS.get(name) ?? realTime(name);
  if (known === undefined) throw invalidSignal(word);
  return known;
}

function realTime(name: string): number | undefined {
  const match = /^(RTMIN\+|RTMAX-)(\d{1,2})$/.exec(name);
  if (match === null) return undefined;
  const number = match[1] === "RTMIN+" ? SIGRTMIN + Number(match[2]) : SIGRTMAX - Number(match[2]);
  return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined;
}

/** `SIGTERM`, or the number for a real-time signal without a name. */
export function signalName(number: number): string {
  const name = NAMES[number - 1];
  return name === undefined ? String(number) : `SIG${name}`;
}

function invalidSignal(word: string): UsageError {
  return new UsageError("invalid-signal", `invalid signal: ${word}`);
}
