/** `fmt.Sprintf`, `fmt.Sprint` and `fmt.Sprintln` over JavaScript values. */
import { quoteRune, quoteString } from "./quote.ts";
import { kindOf, mapEntries, timeText, typeName } from "./values.ts";

interface Spec {
  readonly verb: string;
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

const DIRECTIVE = /%([-+# 0]*)(\[\d+\])?(\*|\d+)?(?:\.(\[\d+\])?(\*|\d*))?(\[\d+\])?(.)?/gsu;

/** Formats by Go's verbs; mistakes are shown in place as Go shows them (`%!d(string=x)`). */
export function sprintf(format: string, args: readonly unknown[]): string {
  const operands = new Operands(args);
  let text = "";
  let last = 0;
  for (const match of format.matchAll(DIRECTIVE)) {
    text += format.slice(last, match.index) + formatDirective(match, operands);
    last = match.index + match[0].length;
  }
  return text + format.slice(last) + operands.unused();
}

/** The arguments, taken in order or as `%[n]d` says. */
class Operands {
  private next = 0;
  private reordered = false;

  constructor(private readonly args: readonly unknown[]) {}

  pick(index: string | undefined): void {
    if (index === undefined) return;
    this.reordered = true;
    this.next = Number(index.slice(1, -1)) - 1;
  }

  /** A width or precision: digits, or `*` for the next argument. */
  measure(part: string | undefined): number | undefined {
    if (part === undefined) return undefined;
    return part === "*" ? Number(this.args[this.next++]) : Number(part);
  }

  format(verb: string, make: () => Spec): string {
    if (this.next >= 0 && this.next < this.args.length) return formatOne(make(), this.args[this.next++]);
    return `%!${verb}(${this.reordered ? "BADINDEX" : "MISSING"})`;
  }

  unused(): string {
    if (this.reordered || this.next >= this.args.length) return "";
    const rest = this.args.slice(this.next).map((value) => `${typeName(value)}=${goText(value)}`);
    return `%!(EXTRA ${rest.join(", ")})`;
  }
}

function formatDirective(match: RegExpMatchArray, operands: Operands): string {
  const [, flags, firstIndex, widthPart, precisionIndex, precisionPart, verbIndex, verb] = match;
  operands.pick(firstIndex);
  const width = operands.measure(widthPart);
  operands.pick(precisionIndex);
  const precision = operands.measure(precisionPart);
  operands.pick(verbIndex);
  if (verb === undefined) return "%!(NOVERB)";
  if (verb === "%") return "%";
  return operands.format(verb, () => makeSpec(verb, flags as string, width, precision));
}

function makeSpec(verb: string, flags: string, width?: number, precision?: number): Spec {
  const negative = width !== undefined && width < 0;
  return {
    verb,
    minus: flags.includes("-") || negative,
    plus: flags.includes("+"),
    sharp: flags.includes("#"),
    space: flags.includes(" "),
    zero: flags.includes("0"),
    width: width === undefined ? undefined : Math.abs(width),
    precision,
  };
}

function formatOne(spec: Spec, value: unknown): string {
  if (spec.verb === "T") return pad(spec, typeName(value));
  if (spec.verb === "p") return badVerb(spec, value);
  const kind = kindOf(value);
  if (kind === "nil") return spec.verb === "v" ? pad(spec, "<nil>") : `%!${spec.verb}(<nil>)`;
  if (spec.verb === "v") return formatDefault(spec, value);
  switch (kind) {
    case "string":
      return formatString(spec, value as string);
    case "bool":
      return spec.verb === "t" ? pad(spec, String(value)) : badVerb(spec, value);
    case "int":
      return formatInt(spec, value as number | bigint);
    case "float":
      return formatFloat(spec, value as number);
    case "slice":
      return formatSlice(spec, value as ArrayLike<unknown>);
    case "map":
      return `map[${mapEntries(value as object)
        .map(([key, item]) => `${formatOne(spec, key)}:${formatOne(spec, item)}`)
        .join(" ")}]`;
    case "time":
      return formatString(spec, timeText(value as Date));
    default:
      return `{${Object.values(value as object)
        .map((item) => formatOne(spec, item))
        .join(" ")}}`;
  }
}

function formatSlice(spec: Spec, value: ArrayLike<unknown>): string {
  if (value instanceof Uint8Array && "sqxX".includes(spec.verb)) {
    return formatString(spec, new TextDecoder().decode(value));
  }
  return `[${Array.from(value, (item) => formatOne(spec, item)).join(" ")}]`;
}

function formatDefault(spec: Spec, value: unknown): string {
  if (kindOf(value) === "string" && spec.precision !== undefined)
    return formatString({ ...spec, verb: "s" }, value as string);
  if (kindOf(value) === "int" && !spec.sharp) return formatInt({ ...spec, verb: "d" }, value as number);
  if (kindOf(value) === "float") return formatFloat({ ...spec, verb: "g" }, value as number);
  if (spec.sharp) return pad(spec, goSyntax(value));
  return pad(spec, spec.plus ? withFieldNames(value) : goText(value));
}

/** The value as %v prints it. */
export function goText(value: unknown): string {
  return describe(value, (object) => `{${Object.values(object).map(goText).join(" ")}}`, goText);
}

/** The value as %+v prints it. */
function withFieldNames(value: unknown): string {
  const fields = (object: object) =>
    `{${Object.entries(object)
      .map(([name, item]) => `${name}:${withFieldNames(item)}`)
      .join(" ")}}`;
  return describe(value, fields, withFieldNames);
}

function describe(
  value: unknown,
  struct: (object: object) => string,
  inner: (value: unknown) => string,
): string {
  switch (kindOf(value)) {
    case "nil":
      return "<nil>";
    case "slice":
      return `[${Array.from(value as ArrayLike<unknown>, inner).join(" ")}]`;
    case "map":
      return `map[${mapEntries(value as object)
        .map(([key, item]) => `${key}:${inner(item)}`)
        .join(" ")}]`;
    case "struct":
      return struct(value as object);
    case "float":
      return shortestFloat(value as number);
    case "time":
      return timeText(value as Date);
    case "func":
      return inner((value as () => unknown)());
    default:
      return String(value);
  }
}

function goSyntax(value: unknown): string {
  switch (kindOf(value)) {
    case "string":
      return quoteString(value as string);
    case "slice":
      return `${typeName(value)}{${Array.from(value as ArrayLike<unknown>, goSyntax).join(", ")}}`;
    case "map":
      return `${typeName(value)}{${mapEntries(value as object)
        .map(([key, item]) => `${goSyntax(key)}:${goSyntax(item)}`)
        .join(", ")}}`;
    case "struct":
      return `${typeName(value)}{${Object.entries(value as object)
        .map(([name, item]) => `${name}:${goSyntax(item)}`)
        .join(", ")}}`;
    case "nil":
      return "interface {}(nil)";
    default:
      return goText(value);
  }
}

function badVerb(spec: Spec, value: unknown): string {
  return `%!${spec.verb}(${typeName(value)}=${formatDefault(spec, value)})`;
}

function formatString(spec: Spec, value: string): string {
  const cut = spec.precision === undefined ? value : [...value].slice(0, spec.precision).join("");
  switch (spec.verb) {
    case "s":
      return pad(spec, cut);
    case "q":
      return pad(
        spec,
        spec.sharp && !/[`\u0000-\u0008\u000a-\u001f]/.test(cut) ? `\`${cut}\`` : quoteString(cut, spec.plus),
      );
    case "x":
    case "X": {
      const hex = Buffer.from(cut).toString("hex");
      const spaced = spec.space ? (hex.match(/../g) ?? []).join(" ") : hex;
      return pad(spec, spec.verb === "X" ? spaced.toUpperCase() : spaced);
    }
    default:
      return badVerb(spec, value);
  }
}

const BASES: Readonly<Record<string, readonly [number, string]>> = {
  d: [10, ""],
  b: [2, "0b"],
  o: [8, "0"],
  O: [8, "0o"],
  x: [16, "0x"],
  X: [16, "0X"],
};

function formatInt(spec: Spec, value: number | bigint): string {
  const base = BASES[spec.verb];
  if (base === undefined) return formatIntAsText(spec, value);
  const negative = value < 0;
  let digits = (negative ? -value : value).toString(base[0]);
  if (spec.verb === "X") digits = digits.toUpperCase();
  if (spec.precision !== undefined)
    digits = spec.precision === 0 && value === 0 ? "" : digits.padStart(spec.precision, "0");
  const prefix = spec.sharp || spec.verb === "O" ? base[1] : "";
  return padNumber(
    spec.precision === undefined ? spec : { ...spec, zero: false },
    sign(spec, negative),
    prefix + digits,
  );
}

function formatIntAsText(spec: Spec, value: number | bigint): string {
  const code = Number(value);
  const known = code >= 0 && code <= 0x10ffff ? code : 0xfffd;
  switch (spec.verb) {
    case "c":
      return pad(spec, String.fromCodePoint(known));
    case "q":
      return pad(spec, quoteRune(known, spec.plus));
    case "U": {
      const text = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
      return pad(spec, spec.sharp ? `${text} '${String.fromCodePoint(known)}'` : text);
    }
    default:
      return badVerb(spec, value);
  }
}

function formatFloat(spec: Spec, value: number): string {
  if (!"eEfFgG".includes(spec.verb)) return badVerb(spec, value);
  const negative = value < 0 || Object.is(value, -0);
  const digits = floatDigits(spec, Math.abs(value));
  const lead = sign(digits === "Inf" ? { ...spec, plus: true } : spec, negative);
  return padNumber(spec, lead, spec.verb === "E" || spec.verb === "G" ? digits.toUpperCase() : digits);
}

function floatDigits({ verb, precision }: Spec, magnitude: number): string {
  if (Number.isNaN(magnitude)) return "NaN";
  if (!Number.isFinite(magnitude)) return "Inf";
  if (verb === "f" || verb === "F") return magnitude.toFixed(precision ?? 6);
  if (verb === "e" || verb === "E") return twoDigitExponent(magnitude.toExponential(precision ?? 6));
  return precision === undefined ? shortestFloat(magnitude) : generalFloat(magnitude, precision);
}

/** %g without a precision: the fewest digits that read back, an exponent below 1e-4 and from a million. */
function shortestFloat(value: number): string {
  const magnitude = Math.abs(value);
  const small = magnitude === 0 || (magnitude >= 1e-4 && magnitude < 1e6);
  return small ? String(value) : twoDigitExponent(value.toExponential());
}

function generalFloat(magnitude: number, precision: number): string {
  const digits = Math.max(1, precision);
  const exponent = magnitude === 0 ? 0 : Number(magnitude.toExponential(digits - 1).split("e")[1]);
  if (exponent < -4 || exponent >= digits) {
    return twoDigitExponent(String(magnitude.toExponential(digits - 1)).replace(/\.?0+e/, "e"));
  }
  const fixed = magnitude.toFixed(Math.max(0, digits - 1 - exponent));
  return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
}

function twoDigitExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function sign(spec: Spec, negative: boolean): string {
  if (negative) return "-";
  return spec.plus ? "+" : spec.space ? " " : "";
}

function padNumber(spec: Spec, lead: string, digits: string): string {
  if (!spec.zero || spec.minus || spec.width === undefined)
    return pad({ ...spec, zero: false }, lead + digits);
  return lead + digits.padStart(spec.width - lead.length, "0");
}

function pad(spec: Spec, text: string): string {
  const missing = (spec.width ?? 0) - [...text].length;
  if (missing <= 0) return text;
  if (spec.minus) return text + " ".repeat(missing);
  return (spec.zero ? "0" : " ").repeat(missing) + text;
}

/** `fmt.Sprint`: spaces only between operands that are both no strings. */
export function sprint(args: readonly unknown[]): string {
  let text = "";
  for (const [index, value] of args.entries()) {
    if (index > 0 && typeof value !== "string" && typeof args[index - 1] !== "string") text += " ";
    text += goText(value);
  }
  return text;
}
