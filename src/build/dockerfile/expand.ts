/**
 * Variables in an instruction's words, replaced by the rules of a POSIX shell as far as the reference names them:
 * `$NAME`, `${NAME}`, and inside braces `:-` `-` `:+` `+` `:?` `?` `#` `##` `%` `%%` `/` `//`. Quotes and escapes are removed.
 */
import { UsageError } from "../../base/index.ts";
import { replacePattern, trimPrefix, trimSuffix } from "./shell-pattern.ts";

export type Lookup = (name: string) => string | undefined;

export interface ExpandOptions {
  readonly escape: string;
  readonly lookup: Lookup;
  /** Quotes and escapes are content: for heredocs. */
  readonly keepQuotes?: boolean;
}

/** One word with all variables replaced. @throws {UsageError} `substitution-invalid`, for the caller to place */
export function expandWord(text: string, options: ExpandOptions): string {
  return new Expander(text, options).until("").text;
}

/** The same, but blanks outside quotes (also those a variable brings) end a word, as for EXPOSE. */
export function expandWords(text: string, options: ExpandOptions): string[] {
  return expandWord(text, options)
    .split(/\s+/)
    .filter((word) => word !== "");
}

function invalid(reason: string): UsageError {
  return new UsageError("substitution-invalid", reason);
}

class Expander {
  readonly #text: string;
  readonly #options: ExpandOptions;
  #at = 0;

  constructor(text: string, options: ExpandOptions) {
    this.#text = text;
    this.#options = options;
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  /** Up to the character `stop`, which is passed, or to the end. `raw` is the same without replacing anything. */
  until(stop: string): { readonly text: string; readonly closed: boolean } {
    let result = "";
    while (this.#at < this.#text.length) {
      const char = this.#peek();
      if (stop !== "" && char === stop) {
        this.#at++;
        return { text: result, closed: true };
      }
      if (char === "$") result += this.#dollar();
      else if (char === this.#options.escape) result += this.#escaped();
      else if (char === "'" && this.#options.keepQuotes !== true) result += this.#single();
      else if (char === '"' && this.#options.keepQuotes !== true) result += this.#double();
      else {
        result += char;
        this.#at++;
      }
    }
    return { text: result, closed: stop === "" };
  }

  #escaped(): string {
    const next = this.#text[this.#at + 1];
    this.#at += 2;
    if (next === undefined) return this.#options.escape;
    if (this.#options.keepQuotes === true && next !== "$" && next !== this.#options.escape)
      return this.#options.escape + next;
    return next;
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw invalid("unexpected end of statement while looking for matching single-quote");
    const content = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return content;
  }

  #double(): string {
    let result = "";
    this.#at++;
    for (;;) {
      const char = this.#peek();
      if (char === "") throw invalid("unexpected end of statement while looking for matching double-quote");
      if (char === '"') {
        this.#at++;
        return result;
      }
      if (char === "$") result += this.#dollar();
      else if (char === this.#options.escape) {
        const next = this.#text[this.#at + 1] ?? "";
        const special = next === '"' || next === "$" || next === this.#options.escape;
        result += special ? next : char + next;
        this.#at += 2;
      } else {
        result += char;
        this.#at++;
      }
    }
  }

  #dollar(): string {
    this.#at++;
    if (this.#peek() === "{") return this.#braces();
    const name = this.#name();
    return name === "" ? "$" : (this.#options.lookup(name) ?? "");
  }

  /** A name, or one of the shell's own parameters (which have no value here). */
  #name(): string {
    const match = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?!$-])/.exec(this.#text.slice(this.#at));
    this.#at += match?.[0].length ?? 0;
    return match?.[0] ?? "";
  }

  #braces(): string {
    this.#at++;
    if (this.#peek() === "}") throw invalid("syntax error: bad substitution: there is no name in the braces");
    const name = this.#name();
    const value = this.#options.lookup(name);
    const operator = this.#peek();
    this.#at++;
    if (operator === "}" && name !== "") return value ?? "";
    if (operator === "") throw invalid("syntax error: missing '}'");
    if (name === "") throw invalid(`syntax error: bad substitution at ${JSON.stringify(operator)}`);
    if (operator === ":") {
      const modifier = this.#peek();
      this.#at++;
      if (!["-", "+", "?"].includes(modifier))
        throw invalid(`unsupported modifier (:${modifier}) in substitution`);
      return this.#conditional(modifier, name, value === "" ? undefined : value, value ?? "");
    }
    if (["-", "+", "?"].includes(operator)) return this.#conditional(operator, name, value, value ?? "");
    return this.#edited(operator, value ?? "");
  }

  #word(stop = "}"): string {
    const { text, closed } = this.until(stop);
    if (!closed) throw invalid(`syntax error: missing '${stop}'`);
    return text;
  }

  #conditional(operator: string, name: string, present: string | undefined, value: string): string {
    const word = this.#word();
    if (operator === "-") return present === undefined ? word : value;
    if (operator === "+") return present === undefined ? "" : word;
    if (present === undefined) throw invalid(`${name}: ${word === "" ? "not allowed to be unset" : word}`);
    return value;
  }

  #edited(operator: string, value: string): string {
    const twice = this.#peek() === operator;
    if (twice) this.#at++;
    switch (operator) {
      case "#":
        return trimPrefix(value, this.#pattern("}"), twice);
      case "%":
        return trimSuffix(value, this.#pattern("}"), twice);
      case "/": {
        const pattern = this.#pattern("/");
        return replacePattern(value, pattern, this.#word(), twice);
      }
      default:
        throw invalid(`unsupported modifier (${operator}) in substitution`);
    }
  }

  /** Like a word, but an escaped character stays escaped: it is the pattern's to read. */
  #pattern(stop: string): string {
    let result = "";
    for (;;) {
      const char = this.#peek();
      if (char === "") throw invalid(`syntax error: missing '${stop}'`);
      if (char === stop) {
        this.#at++;
        return result;
      }
      if (char === "$") result += this.#dollar();
      else if (char === this.#options.escape) {
        result += `\\${this.#text[this.#at + 1] ?? ""}`;
        this.#at += 2;
      } else {
        result += char;
        this.#at++;
      }
    }
  }
}
