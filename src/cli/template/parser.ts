/** From tokens to the tree of a template and of those it defines. */
import { TemplateSyntaxError, type Token, type TokenKind, tokenize } from "./lexer.ts";
import type { Command, Node, Operand, Pipe } from "./nodes.ts";
import { unquoteChar, unquoteString } from "./quote.ts";

export interface ParsedTemplate {
  readonly name: string;
  readonly text: string;
  readonly root: readonly Node[];
  /** Bodies of {{define}} and {{block}}. */
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}

/**
 * Parses `text`. `functions` are the names that may be called.
 *
 * @throws {TemplateSyntaxError}
 */
export function parseTemplate(name: string, text: string, functions: ReadonlySet<string>): ParsedTemplate {
  const parser = new Parser(tokenize(text), functions);
  const { nodes, end } = parser.list();
  if (end !== undefined) parser.fail(`unexpected {{${end}}}`);
  return { name, text, root: nodes, defined: parser.defined };
}

type ListEnd = "end" | "else" | undefined;

const KEYWORDS = new Set([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "range",
  "nil",
  "template",
  "with",
]);

const STARTS_COMMAND: ReadonlySet<TokenKind> = new Set([
  "word",
  "dot",
  "field",
  "variable",
  "string",
  "char",
  "number",
  "lparen",
]);

class Parser {
  readonly defined = new Map<string, readonly Node[]>();
  private index = 0;
  private variables = ["$"];
  private rangeDepth = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly functions: ReadonlySet<string>,
  ) {}

  fail(message: string): never {
    const token = this.tokens[Math.max(0, this.index - 1)] as Token;
    throw new TemplateSyntaxError(token.line, message);
  }

  private peek(): Token {
    return this.tokens[this.index] as Token;
  }

  private next(): Token {
    const token = this.peek();
    if (token.kind !== "eof" && token.kind !== "error") this.index++;
    return token;
  }

  private skipSpace(): void {
    while (this.peek().kind === "space") this.index++;
  }

  private peekNonSpace(): Token {
    this.skipSpace();
    return this.peek();
  }

  private nextNonSpace(): Token {
    this.skipSpace();
    return this.next();
  }

  private unexpected(token: Token, context: string): never {
    if (token.kind === "error") throw new TemplateSyntaxError(token.line, token.text);
    let shown = JSON.stringify(token.text);
    if (token.kind === "eof") shown = "EOF";
    else if (token.kind === "word" && KEYWORDS.has(token.text)) shown = `<${token.text}>`;
    this.index = Math.max(this.index, this.tokens.indexOf(token) + 1);
    return this.fail(`unexpected ${shown} in ${context}`);
  }

  private expect(kind: TokenKind, context: string): Token {
    const token = this.nextNonSpace();
    if (token.kind !== kind) this.unexpected(token, context);
    return token;
  }

  /** Nodes up to the {{end}} or {{else}} that belongs to the caller, which is consumed up to its word. */
  list(): { nodes: Node[]; end: ListEnd } {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.next();
      if (token.kind === "error") throw new TemplateSyntaxError(token.line, token.text);
      if (token.kind === "eof") return { nodes, end: undefined };
      if (token.kind === "text") {
        nodes.push({ type: "text", text: token.text, pos: token.pos });
        continue;
      }
      const end = this.action(nodes);
      if (end !== undefined) return { nodes, end };
    }
  }

  private action(nodes: Node[]): ListEnd {
    const token = this.peekNonSpace();
    if (token.kind === "word" && KEYWORDS.has(token.text) && token.text !== "nil") {
      this.index++;
      return this.keyword(token, nodes);
    }
    nodes.push({ type: "action", pipe: this.pipeline("command", "close"), pos: token.pos });
    return undefined;
  }

  private keyword(token: Token, nodes: Node[]): ListEnd {
    switch (token.text) {
      case "end":
        this.expect("close", "end");
        return "end";
      case "else":
        return "else";
      case "if":
      case "with":
      case "range":
        nodes.push(this.branch(token.text));
        return undefined;
      case "define":
        this.define();
        return undefined;
      case "block":
        nodes.push(this.block(token));
        return undefined;
      case "template":
        nodes.push(this.template());
        return undefined;
      default:
        nodes.push(this.jump(token));
        return undefined;
    }
  }

  private jump(token: Token): Node {
    if (this.rangeDepth === 0) this.fail(`{{${token.text}}} outside {{range}}`);
    this.expect("close", token.text);
    return { type: token.text as "break" | "continue", pos: token.pos };
  }

  private branch(type: "if" | "with" | "range"): Node {
    const scope = this.variables.length;
    const pipe = this.pipeline(type, "close");
    if (type === "range") this.rangeDepth++;
    const { nodes: body, end } = this.list();
    if (type === "range") this.rangeDepth--;
    if (end === undefined) this.failAtEnd();
    const otherwise = end === "else" ? this.otherwise(type) : undefined;
    this.variables.length = scope;
    return { type, pipe, body, otherwise, pos: pipe.pos };
  }

  /** {{else}} … {{end}}, or {{else if …}} / {{else with …}}, which share the one {{end}}. */
  private otherwise(type: "if" | "with" | "range"): readonly Node[] {
    const token = this.peekNonSpace();
    if (token.kind === "word" && token.text === type && type !== "range") {
      this.index++;
      return [this.branch(type)];
    }
    this.expect("close", "else");
    const { nodes, end } = this.list();
    if (end === "else") this.fail("expected end; found {{else}}");
    if (end === undefined) this.failAtEnd();
    return nodes;
  }

  private failAtEnd(): never {
    throw new TemplateSyntaxError(this.peek().line, "unexpected EOF");
  }

  private define(): void {
    const name = unquoteString(this.expect("string", "define clause").text);
    this.expect("close", "define clause");
    this.defined.set(name, this.separateBody());
  }

  private block(token: Token): Node {
    const name = unquoteString(this.expect("string", "block clause").text);
    const pipe = this.pipeline("block clause", "close");
    this.defined.set(name, this.separateBody());
    return { type: "template", name, pipe, pos: token.pos };
  }

  /** A defined template sees none of the variables around it. */
  private separateBody(): readonly Node[] {
    const outer = this.variables;
    const depth = this.rangeDepth;
    this.variables = ["$"];
    this.rangeDepth = 0;
    const { nodes, end } = this.list();
    this.variables = outer;
    this.rangeDepth = depth;
    if (end === undefined) this.failAtEnd();
    if (end === "else") this.fail("unexpected {{else}} in define clause");
    return nodes;
  }

  private template(): Node {
    const token = this.expect("string", "template clause");
    const name = unquoteString(token.text);
    this.skipSpace();
    const pipe = this.skipOne("close") ? undefined : this.pipeline("template clause", "close");
    return { type: "template", name, pipe, pos: token.pos };
  }

  private pipeline(context: string, end: "close" | "rparen"): Pipe {
    const pos = this.peekNonSpace().pos;
    const { variables, assigns } = this.declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.peekNonSpace();
      if (token.kind === end) {
        this.index++;
        this.checkPipeline(commands, context);
        if (!assigns) this.variables.push(...variables);
        return { type: "pipeline", variables, assigns, commands, pos };
      }
      if (!STARTS_COMMAND.has(token.kind)) this.unexpected(token, context);
      commands.push(this.command());
    }
  }

  private checkPipeline(commands: readonly Command[], context: string): void {
    if (commands.length === 0) this.fail(`missing value for ${context}`);
    for (const [index, command] of commands.entries()) {
      const first = command.args[0] as Operand;
      if (index > 0 && ["dot", "nil", "constant"].includes(first.type)) {
        this.fail(`non executable command in pipeline stage ${index + 1}`);
      }
    }
  }

  /** `$x := `, `$i, $x := ` (range) or `$x = ` before a pipeline. */
  private declarations(context: string): { variables: string[]; assigns: boolean } {
    const start = this.index;
    const variables: string[] = [];
    while (this.peekNonSpace().kind === "variable") {
      variables.push(this.next().text);
      this.skipSpace();
      if (this.skipOne("declare")) return { variables, assigns: false };
      if (this.skipOne("assign")) {
        for (const name of variables) this.checkVariable(name);
        return { variables, assigns: true };
      }
      if (this.peek().kind !== "comma") break;
      if (context !== "range" || variables.length > 1) this.fail(`too many declarations in ${context}`);
      this.index++;
    }
    this.index = start;
    return { variables: [], assigns: false };
  }

  private command(): Command {
    const pos = this.peekNonSpace().pos;
    const args: Operand[] = [];
    do {
      this.skipSpace();
      const operand = this.operand();
      if (operand !== undefined) args.push(operand);
    } while (this.skipOne("space"));
    const token = this.peek();
    if (token.kind === "pipe") this.index++;
    else if (token.kind !== "close" && token.kind !== "rparen") this.unexpected(token, "operand");
    if (args.length === 0) this.fail("empty command");
    return { type: "command", args, pos };
  }

  private skipOne(kind: TokenKind): boolean {
    if (this.peek().kind !== kind) return false;
    this.index++;
    return true;
  }

  private operand(): Operand | undefined {
    const term = this.term();
    if (term === undefined || this.peek().kind !== "field") return term;
    const pos = this.peek().pos;
    const names: string[] = [];
    while (this.peek().kind === "field") names.push(this.next().text.slice(1));
    if (term.type === "field") return { ...term, names: [...term.names, ...names], pos };
    if (term.type === "variable") return { ...term, names, pos };
    if (term.type === "constant" || term.type === "nil" || term.type === "dot") {
      return this.fail(
        `unexpected . after term ${JSON.stringify(term.type === "constant" ? term.source : term.type)}`,
      );
    }
    return { type: "chain", base: term, names, pos };
  }

  private term(): Operand | undefined {
    const token = this.peek();
    const { pos } = token;
    switch (token.kind) {
      case "word":
        this.index++;
        return this.word(token);
      case "dot":
        this.index++;
        return { type: "dot", pos };
      case "variable":
        this.index++;
        this.checkVariable(token.text);
        return { type: "variable", name: token.text, names: [], pos };
      case "field":
        this.index++;
        return { type: "field", names: [token.text.slice(1)], pos };
      case "string":
        this.index++;
        return { type: "constant", value: unquoteString(token.text), source: token.text, pos };
      case "char":
        this.index++;
        return { type: "constant", value: unquoteChar(token.text), source: token.text, pos };
      case "number":
        this.index++;
        return { type: "constant", value: this.number(token.text), source: token.text, pos };
      case "lparen":
        this.index++;
        return { type: "pipe", pipe: this.pipeline("parenthesized pipeline", "rparen"), pos };
      default:
        return undefined;
    }
  }

  private word(token: Token): Operand {
    const { text, pos } = token;
    if (text === "true" || text === "false")
      return { type: "constant", value: text === "true", source: text, pos };
    if (text === "nil") return { type: "nil", pos };
    if (KEYWORDS.has(text)) return this.unexpected(token, "operand");
    if (!this.functions.has(text)) this.fail(`function ${JSON.stringify(text)} not defined`);
    return { type: "function", name: text, pos };
  }

  private number(source: string): number {
    const text = source.replaceAll("_", "");
    const sign = text.startsWith("-") ? -1 : 1;
    const body = text.replace(/^[+-]/, "");
    const value = /^0[0-7]+$/.test(body) ? Number.parseInt(body, 8) : Number(body);
    if (Number.isNaN(value)) this.fail(`bad number syntax: ${JSON.stringify(source)}`);
    return sign * value;
  }

  private checkVariable(name: string): void {
    if (!this.variables.includes(name)) this.fail(`undefined variable ${JSON.stringify(name)}`);
  }
}
