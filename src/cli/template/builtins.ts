/** The functions templates may call: Go's own, and those docker and podman add. */
import { sprint, sprintf } from "./printf.ts";
import { quoteString } from "./quote.ts";
import { isTrue, type Kind, kindOf, mapEntries, mapGet, toJson, typeName } from "./values.ts";

/** What Go's functions return as an error: `error calling NAME: MESSAGE`. */
export class CallError extends Error {}
/** A wrong number or type of arguments, which Go reports without `error calling`. */
export class ArgumentError extends Error {
  constructor(
    message: string,
    /** Which argument is wrong, or that the number of them is. */
    readonly where: number | "function",
  ) {
    super(message);
  }
}

type Builtin = (...args: never[]) => unknown;

/** `and` and `or` are in the executor, because they do not evaluate all their arguments. */
export const BUILTINS: Readonly<Record<string, Builtin>> = {
  not: (value: unknown) => !isTrue(value),
  len: (value: unknown) => lengthOf(value),
  index: (value: unknown, ...keys: unknown[]) => keys.reduce(indexOnce, value),
  slice: (value: unknown, ...bounds: unknown[]) => sliceOf(value, bounds),
  call: (callee: unknown, ...args: unknown[]) => callValue(callee, args),
  print: (...args: unknown[]) => sprint(args),
  println: (...args: unknown[]) => sprintln(args),
  printf: (format: string, ...args: unknown[]) => sprintf(format, args),
  html: (...args: unknown[]) => escapeWith(HTML, sprint(args)),
  js: (...args: unknown[]) => escapeJs(sprint(args)),
  urlquery: (...args: unknown[]) => encodeQuery(sprint(args)),
  eq: (first: unknown, ...others: unknown[]) => isEqual(first, others),
  ne: (a: unknown, b: unknown) => !isEqual(a, [b]),
  lt: (a: unknown, b: unknown) => isLess(a, b),
  le: (a: unknown, b: unknown) => isLess(a, b) || isEqual(a, [b]),
  gt: (a: unknown, b: unknown) => !(isLess(a, b) || isEqual(a, [b])),
  ge: (a: unknown, b: unknown) => !isLess(a, b),
  json: toJson,
  join: (items: readonly string[], separator: string) => items.join(separator),
  split: (text: string, separator: string) => text.split(separator),
  upper: (text: string) => text.toUpperCase(),
  lower: (text: string) => text.toLowerCase(),
  title: (text: string) => text.replace(/(?<![\p{L}\p{N}_'])\p{L}/gu, (letter) => letter.toUpperCase()),
  pad: (text: string, before: number, after: number) =>
    text === "" ? text : " ".repeat(before) + text + " ".repeat(after),
  truncate: (text: string, length: number) => (text.length < length ? text : text.slice(0, length)),
};

/** Kinds of the parameters, where Go checks them before the call; `...` ends a variadic list. */
const SIGNATURES: Readonly<Record<string, readonly (Kind | "any" | "strings" | "...")[]>> = {
  not: ["any"],
  len: ["any"],
  index: ["any", "..."],
  slice: ["any", "..."],
  call: ["any", "..."],
  printf: ["string", "..."],
  eq: ["any", "..."],
  ne: ["any", "any"],
  lt: ["any", "any"],
  le: ["any", "any"],
  gt: ["any", "any"],
  ge: ["any", "any"],
  json: ["any"],
  join: ["strings", "string"],
  split: ["string", "string"],
  upper: ["string"],
  lower: ["string"],
  title: ["string"],
  pad: ["string", "int", "int"],
  truncate: ["string", "int"],
};

export const FUNCTION_NAMES: ReadonlySet<string> = new Set([...Object.keys(BUILTINS), "and", "or"]);

/** Refuses a call with too few or too many arguments, or of the wrong kinds; `literal` tells constants apart. */
export function checkCall(name: string, args: readonly unknown[], literal: (index: number) => boolean): void {
  const signature = SIGNATURES[name];
  if (signature === undefined) return;
  const variadic = signature.at(-1) === "...";
  const fixed = variadic ? signature.slice(0, -1) : signature;
  if (variadic ? args.length < fixed.length : args.length !== fixed.length) {
    const wanted = variadic ? `at least ${fixed.length}` : fixed.length;
    throw new ArgumentError(
      `wrong number of args for ${name}: want ${wanted} got ${args.length}`,
      "function",
    );
  }
  for (const [index, wanted] of fixed.entries()) {
    const problem = kindProblem(wanted as Kind | "any" | "strings", args[index], literal(index));
    if (problem !== undefined) throw new ArgumentError(problem, index);
  }
}

function kindProblem(wanted: Kind | "any" | "strings", value: unknown, literal: boolean): string | undefined {
  if (wanted === "any" || kindOf(value) === wanted) return undefined;
  if (wanted === "strings" && Array.isArray(value) && value.every((item) => typeof item === "string"))
    return undefined;
  const type = wanted === "strings" ? "[]string" : wanted;
  if (literal) {
    const found = typeof value === "string" ? quoteString(value) : String(value);
    return `expected ${wanted === "int" ? "integer" : type}; found ${found}`;
  }
  return `wrong type for value; expected ${type}; got ${value === undefined ? "interface {}" : typeName(value)}`;
}

function lengthOf(value: unknown): number {
  switch (kindOf(value)) {
    case "string":
      return Buffer.byteLength(value as string);
    case "slice":
      return (value as ArrayLike<unknown>).length;
    case "map":
      return mapEntries(value as object).length;
    case "nil":
      throw new CallError("len of nil pointer");
    default:
      throw new CallError(`len of type ${typeName(value)}`);
  }
}

function indexOnce(value: unknown, key: unknown): unknown {
  switch (kindOf(value)) {
    case "slice":
    case "string": {
      const items = typeof value === "string" ? Buffer.from(value) : (value as ArrayLike<unknown>);
      if (kindOf(key) !== "int") throw new CallError(`cannot index slice/array with type ${typeName(key)}`);
      if (Number(key) < 0 || Number(key) >= items.length) throw new CallError(`index out of range: ${key}`);
      return items[Number(key)];
    }
    case "map":
      return mapGet(value as object, key) ?? zeroElement(value as object);
    case "nil":
      throw new CallError("index of untyped nil");
    default:
      throw new CallError(`can't index item of type ${typeName(value)}`);
  }
}

/** A missing key of a map of strings is the empty string; of any other map, nothing. */
function zeroElement(map: object): unknown {
  return mapEntries(map).every(([, item]) => typeof item === "string") ? "" : undefined;
}

function sliceOf(value: unknown, bounds: readonly unknown[]): unknown {
  if (bounds.length > 3) throw new CallError(`too many slice indexes: ${bounds.length}`);
  const kind = kindOf(value);
  if (kind === "nil") throw new CallError("slice of untyped nil");
  if (kind !== "string" && kind !== "slice")
    throw new CallError(`can't slice item of type ${typeName(value)}`);
  if (kind === "string" && bounds.length === 3) throw new CallError("cannot 3-index slice a string");
  const items = kind === "string" ? Buffer.from(value as string) : (value as readonly unknown[]);
  const [start = 0, end = items.length] = bounds.map((bound) => {
    if (kindOf(bound) !== "int") throw new CallError(`cannot index slice/array with type ${typeName(bound)}`);
    if (Number(bound) < 0 || Number(bound) > items.length)
      throw new CallError(`index out of range: ${bound}`);
    return Number(bound);
  });
  if (start > end) throw new CallError(`invalid slice index: ${start} > ${end}`);
  const part = items.slice(start, end);
  return kind === "string" ? part.toString() : part;
}

function callValue(callee: unknown, args: readonly unknown[]): unknown {
  if (callee === null || callee === undefined) throw new CallError("call of nil");
  if (typeof callee !== "function")
    throw new CallError(`non-function ${quoteString(typeName(callee))} of type ${typeName(callee)}`);
  return callee(...args);
}

function basicKind(value: unknown): "string" | "bool" | "int" | "float" {
  const kind = kindOf(value);
  if (kind === "string" || kind === "bool" || kind === "int" || kind === "float") return kind;
  throw new CallError("invalid type for comparison");
}

function isEqual(first: unknown, others: readonly unknown[]): boolean {
  if (others.length === 0) throw new CallError("missing argument for comparison");
  return others.some((other) => areEqual(first, other));
}

function areEqual(a: unknown, b: unknown): boolean {
  if (kindOf(a) === "nil" || kindOf(b) === "nil") return kindOf(a) === kindOf(b);
  if (kindOf(a) === "slice" || kindOf(a) === "map") {
    throw new CallError(`non-comparable type ${sprint([a])}: ${typeName(a)}`);
  }
  if (basicKind(a) !== basicKind(b)) throw new CallError("incompatible types for comparison");
  return typeof a === typeof b ? a === b : BigInt(a as number) === BigInt(b as number);
}

function isLess(a: unknown, b: unknown): boolean {
  const kind = basicKind(a);
  if (kind !== basicKind(b)) throw new CallError("incompatible types for comparison");
  if (kind === "bool") throw new CallError("invalid type for comparison");
  return (a as number) < (b as number);
}

function sprintln(args: readonly unknown[]): string {
  return `${args.map((value) => sprint([value])).join(" ")}\n`;
}

const HTML: Readonly<Record<string, string>> = {
  "\0": "\ufffd",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

function escapeWith(table: Readonly<Record<string, string>>, text: string): string {
  return text.replace(/[\0"'&<>]/g, (character) => table[character] as string);
}

const JS: Readonly<Record<string, string>> = { "\\": "\\\\", "'": "\\'", '"': '\\"' };

function escapeJs(text: string): string {
  return text.replace(/[\\'"<>&=\u0000-\u001f]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    return JS[character] ?? `\\u${code}`;
  });
}

function encodeQuery(text: string): string {
  return encodeURIComponent(text).replace(/%20|[!'()*]/g, (part) =>
    part === "%20" ? "+" : `%${part.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
