/** Carries out a parsed template over data. */
import { ArgumentError, BUILTINS, CallError, checkCall } from "./builtins.ts";
import { lineAt } from "./lexer.ts";
import type { Command, Node, Operand, Pipe, Printable } from "./nodes.ts";
import { nodeText } from "./nodes.ts";
import type { ParsedTemplate } from "./parser.ts";
import { goText } from "./printf.ts";
import { isTrue, kindOf, mapEntries, mapGet, typeName } from "./values.ts";

/** Go's whole message: `template: NAME:LINE:COLUMN: executing "NAME" at <NODE>: WHAT`. */
export class TemplateExecError extends Error {}

/**
 * The text of `template` for `data`. `type` is Go's name for the type of `data`.
 *
 * @throws {TemplateExecError}
 */
export function executeTemplate(template: ParsedTemplate, data: unknown, type?: string): string {
  const run = new Execution(template, { data, type });
  run.walkList(template.root, data);
  return run.text;
}

interface Variable {
  readonly name: string;
  value: unknown;
}

class Jump {
  constructor(readonly kind: "break" | "continue") {}
}

const MAX_DEPTH = 1000;
/** No value at all, as opposed to a nil one: the piped argument of a first command. */
const NOTHING = Symbol("nothing");

class Execution {
  text = "";
  private variables: Variable[];
  private depth = 0;
  private name: string;

  constructor(
    private readonly template: ParsedTemplate,
    private readonly root: { readonly data: unknown; readonly type: string | undefined },
  ) {
    this.variables = [{ name: "$", value: root.data }];
    this.name = template.name;
  }

  private fail(node: Printable, message: string): never {
    const before = this.template.text.slice(0, node.pos);
    const column = node.pos - (before.lastIndexOf("\n") + 1);
    const shown = [...nodeText(node)];
    const context = shown.length > 20 ? `${shown.slice(0, 20).join("")}...` : shown.join("");
    const where = `${this.template.name}:${lineAt(this.template.text, node.pos)}:${column}`;
    throw new TemplateExecError(`template: ${where}: executing "${this.name}" at <${context}>: ${message}`);
  }

  walkList(nodes: readonly Node[], dot: unknown): void {
    for (const node of nodes) this.walk(node, dot);
  }

  private walk(node: Node, dot: unknown): void {
    switch (node.type) {
      case "text":
        this.text += node.text;
        break;
      case "action": {
        const value = this.pipeline(node.pipe, dot);
        if (node.pipe.variables.length === 0) this.text += printed(value);
        break;
      }
      case "if":
      case "with":
        this.scoped(() => this.walkCondition(node, dot));
        break;
      case "range":
        this.scoped(() => this.walkRange(node, dot));
        break;
      case "template":
        this.walkTemplate(node, dot);
        break;
      default:
        throw new Jump(node.type);
    }
  }

  private scoped(work: () => void): void {
    const mark = this.variables.length;
    try {
      work();
    } finally {
      this.variables.length = mark;
    }
  }

  private walkCondition(node: Node & { type: "if" | "with" | "range" }, dot: unknown): void {
    const value = this.pipeline(node.pipe, dot);
    if (isTrue(value)) this.walkList(node.body, node.type === "with" ? value : dot);
    else if (node.otherwise !== undefined) this.walkList(node.otherwise, dot);
  }

  private walkRange(node: Node & { type: "if" | "with" | "range" }, dot: unknown): void {
    const mark = this.variables.length;
    const items = this.rangeItems(node.pipe, this.pipeline(node.pipe, dot));
    const names = node.pipe.variables;
    this.variables.length = node.pipe.assigns ? mark : mark + names.length;
    if (items.length === 0) this.walkList(node.otherwise ?? [], dot);
    for (const [key, item] of items) {
      const values = names.length === 2 ? [key, item] : [item];
      for (const [index, name] of names.entries())
        this.setRangeVariable(node.pipe, mark + index, name, values[index]);
      if (this.walkOnce(node.body, item) === "break") break;
    }
  }

  private walkOnce(body: readonly Node[], item: unknown): "break" | "continue" | undefined {
    try {
      this.scoped(() => this.walkList(body, item));
      return undefined;
    } catch (jump) {
      if (jump instanceof Jump) return jump.kind;
      throw jump;
    }
  }

  private setRangeVariable(pipe: Pipe, slot: number, name: string, value: unknown): void {
    if (pipe.assigns) this.assign(name, value);
    else this.variables[slot] = { name, value };
  }

  private rangeItems(pipe: Pipe, value: unknown): [unknown, unknown][] {
    switch (kindOf(value)) {
      case "nil":
        if (value === null) this.fail(pipe, "range can't iterate over <nil>");
        return [];
      case "slice":
        return Array.from(value as ArrayLike<unknown>, (item, index) => [index, item]);
      case "map":
        return mapEntries(value as object);
      case "int":
        return Array.from({ length: Math.max(0, Number(value)) }, (_, index) => [index, index]);
      default:
        return this.fail(pipe, `range can't iterate over ${goText(value)}`);
    }
  }

  private walkTemplate(node: Node & { type: "template" }, dot: unknown): void {
    const body = this.template.defined.get(node.name);
    if (body === undefined) this.fail(node, `template ${JSON.stringify(node.name)} not defined`);
    if (this.depth === MAX_DEPTH) this.fail(node, `exceeded maximum template depth (${MAX_DEPTH})`);
    const value = node.pipe === undefined ? undefined : this.pipeline(node.pipe, dot);
    const { variables, name } = this;
    this.variables = [{ name: "$", value }];
    this.name = node.name;
    this.depth++;
    this.walkList(body, value);
    this.depth--;
    this.variables = variables;
    this.name = name;
  }

  private pipeline(pipe: Pipe, dot: unknown): unknown {
    let value: unknown = NOTHING;
    for (const command of pipe.commands) value = this.command(command, dot, value);
    for (const name of pipe.variables) {
      if (pipe.assigns) this.assign(name, value);
      else this.variables.push({ name, value });
    }
    return value;
  }

  private assign(name: string, value: unknown): void {
    const variable = this.variables.findLast((known) => known.name === name);
    if (variable !== undefined) variable.value = value;
  }

  private command(command: Command, dot: unknown, final: unknown): unknown {
    const first = command.args[0] as Operand;
    const rest = command.args.slice(1);
    switch (first.type) {
      case "function":
        return this.callFunction(command, first, rest, dot, final);
      case "field":
      case "variable":
      case "chain":
        return this.fieldCommand(first, rest, dot, final);
      default:
        if (rest.length > 0 || final !== NOTHING)
          this.fail(first, `can't give argument to non-function ${nodeText(first)}`);
        if (first.type === "nil") this.fail(first, "nil is not a command");
        return this.operand(first, dot);
    }
  }

  private operand(node: Operand, dot: unknown): unknown {
    switch (node.type) {
      case "dot":
        return dot;
      case "nil":
        return undefined;
      case "constant":
        return node.value;
      case "pipe":
        return this.scopedValue(() => this.pipeline(node.pipe, dot));
      case "function":
        return this.callFunction(node, node, [], dot, NOTHING);
      default:
        return this.fieldCommand(node, [], dot, NOTHING);
    }
  }

  private scopedValue(work: () => unknown): unknown {
    const mark = this.variables.length;
    const value = work();
    this.variables.length = mark;
    return value;
  }

  /** A chain of fields from dot, a variable or a value; only the last of them may take arguments. */
  private fieldCommand(
    node: Operand & { type: "field" | "variable" | "chain" },
    rest: readonly Operand[],
    dot: unknown,
    final: unknown,
  ): unknown {
    let value = this.fieldBase(node, dot);
    let fromMap = false;
    const last = node.names.length - 1;
    if (last < 0 && (rest.length > 0 || final !== NOTHING)) {
      this.fail(node, `can't give argument to non-function ${nodeText(node)}`);
    }
    for (const [index, name] of node.names.entries()) {
      const args = index === last ? this.fieldArgs(rest, dot, final) : [];
      // What a map does not have has no fields either, and Go does not mind.
      if (value === undefined && index > 0 && fromMap) continue;
      fromMap = kindOf(value) === "map";
      value = this.field(node, value, name, args);
    }
    return value;
  }

  private fieldArgs(rest: readonly Operand[], dot: unknown, final: unknown): unknown[] {
    const args = rest.map((arg) => this.operand(arg, dot));
    return final === NOTHING ? args : [...args, final];
  }

  private fieldBase(node: Operand & { type: "field" | "variable" | "chain" }, dot: unknown): unknown {
    if (node.type === "field") return dot;
    if (node.type === "chain") return this.operand(node.base, dot);
    return this.variables.findLast((variable) => variable.name === node.name)?.value;
  }

  private field(node: Operand, receiver: unknown, name: string, args: readonly unknown[]): unknown {
    const kind = kindOf(receiver);
    if (kind === "map") {
      if (args.length > 0) this.fail(node, `${name} is not a method but has arguments`);
      return mapGet(receiver as object, name);
    }
    if (receiver === undefined || receiver === null)
      return this.fail(node, `nil pointer evaluating interface {}.${name}`);
    const key = kind === "struct" ? fieldKey(receiver as object, name) : undefined;
    if (key === undefined)
      return this.fail(node, `can't evaluate field ${name} in type ${this.typeOf(receiver)}`);
    const value = (receiver as Record<string, unknown>)[key];
    if (typeof value === "function") {
      if (value.length !== args.length) {
        this.fail(node, `wrong number of args for ${name}: want ${value.length} got ${args.length}`);
      }
      return this.guarded(node, name, () => value.apply(receiver, args));
    }
    if (args.length > 0) this.fail(node, `${name} has arguments but cannot be invoked as function`);
    return value;
  }

  private typeOf(value: unknown): string {
    return value === this.root.data && this.root.type !== undefined ? this.root.type : typeName(value);
  }

  private callFunction(
    at: Printable,
    node: Operand & { type: "function" },
    rest: readonly Operand[],
    dot: unknown,
    final: unknown,
  ): unknown {
    if (node.name === "and" || node.name === "or") return this.shortCircuit(node, rest, dot, final);
    const args = rest.map((arg) => this.operand(arg, dot));
    if (final !== NOTHING) args.push(final);
    const builtin = BUILTINS[node.name] as (...args: unknown[]) => unknown;
    return this.guarded(at, node.name, () => {
      try {
        checkCall(node.name, args, (index) => rest[index]?.type === "constant");
      } catch (error) {
        if (!(error instanceof ArgumentError)) throw error;
        this.fail(error.where === "function" ? node : (rest[error.where] ?? at), error.message);
      }
      return builtin(...args);
    });
  }

  private shortCircuit(
    node: Operand & { type: "function" },
    rest: readonly Operand[],
    dot: unknown,
    final: unknown,
  ): unknown {
    if (rest.length === 0 && final === NOTHING) {
      this.fail(node, `wrong number of args for ${node.name}: want at least 1 got 0`);
    }
    let value: unknown = final;
    for (const arg of rest) {
      value = this.operand(arg, dot);
      if (isTrue(value) === (node.name === "or")) return value;
    }
    return final === NOTHING ? value : final;
  }

  private guarded(at: Printable, name: string, work: () => unknown): unknown {
    try {
      return work();
    } catch (error) {
      if (error instanceof CallError) return this.fail(at, `error calling ${name}: ${error.message}`);
      throw error;
    }
  }
}

/** A struct's key for a field: as written, or else the only one that differs in case (podman's `.ID` is JSON's `Id`). */
function fieldKey(receiver: object, name: string): string | undefined {
  if (name in receiver && !(name in Object.prototype)) return name;
  const lower = name.toLowerCase();
  const near = Object.keys(receiver).filter((key) => key.toLowerCase() === lower);
  return near.length === 1 ? near[0] : undefined;
}

function printed(value: unknown): string {
  return value === undefined || value === NOTHING ? "<no value>" : goText(value);
}
