/** An instruction being carried out: its words with variables replaced, and errors that know their place. */
import { ellipsis, KelpError, UsageError } from "../../base/index.ts";
import { withoutUser } from "../context/http.ts";
import { expandWord, expandWords } from "../dockerfile/expand.ts";
import type { LogicalLine } from "../dockerfile/logical-lines.ts";
import { type SourceFile, showLine, syntaxError } from "../dockerfile/syntax-error.ts";
import type { Session } from "../session.ts";
import { lookupIn, type StageState } from "../stage-state.ts";
import type { StepTitle } from "../types.ts";

/** Errors that say where they are. */
const PLACED = new Set(["interrupted", "dockerfile-invalid", "step-invalid", "step-failed"]);
const MAX_TITLE = 200;

const MAX_NOTE = 1000;

/** How the cache tells people what a step was. */
export function noteOf({ line }: StepContext): string {
  return withoutUser(line.text.slice(0, MAX_NOTE));
}

export class StepContext {
  readonly session: Session;
  readonly title: StepTitle;
  readonly line: LogicalLine;
  /** The stage itself has said CMD before. */
  readonly ownCommand: boolean;
  readonly #file: SourceFile;
  readonly #lookup: (name: string) => string | undefined;

  constructor(
    session: Session,
    title: StepTitle,
    line: LogicalLine,
    state: StageState,
    own: { readonly command: boolean; readonly file?: SourceFile },
  ) {
    this.session = session;
    this.title = title;
    this.line = line;
    this.ownCommand = own.command;
    this.#file = own.file ?? session.file.file;
    this.#lookup = lookupIn(state);
  }

  word(text: string): string {
    return this.#expand(() => expandWord(text, this.#options));
  }

  /** Blanks outside quotes end a word. */
  words(text: string): string[] {
    return this.#expand(() => expandWords(text, this.#options));
  }

  /** Content: quotes stay. */
  content(text: string): string {
    return this.#expand(() => expandWord(text, { ...this.#options, keepQuotes: true }));
  }

  get #options() {
    return { escape: this.session.file.directives.escape, lookup: this.#lookup };
  }

  #expand<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof KelpError && error.code === "substitution-invalid") this.fail(error.message);
      throw error;
    }
  }

  error(reason: string, hint?: string): UsageError {
    const { message } = syntaxError(this.#file, this.line.position, reason, hint);
    const place = `building at STEP ${JSON.stringify(ellipsis(this.title.text, MAX_TITLE))}`;
    return new UsageError(
      "step-invalid",
      message.replace(/^cannot build/, place),
      hint === undefined ? {} : { hint },
    );
  }

  fail(reason: string, hint?: string): never {
    throw this.error(reason, hint);
  }

  /** Gives an error from below the place of the instruction. @param action instead of the step, which has not begun */
  placed(error: unknown, action?: string): unknown {
    if (!(error instanceof KelpError) || PLACED.has(error.code)) return error;
    const reason = error.message.replace(/^cannot build: /, "");
    const message =
      action === undefined
        ? this.error(reason).message
        : `${action}: ${reason}${showLine(this.#file, this.line.position)}`;
    return new KelpError(error.code, message, {
      exitCode: error.exitCode,
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}
