/**
 * Go's text/template for --format: what a user writes for docker or podman. The public face of
 * template/ (lexer → parser → exec); podman's conventions around it are here.
 */
import { UsageError } from "../base/index.ts";
import { headingOf } from "./table.ts";
import { FUNCTION_NAMES } from "./template/builtins.ts";
import { executeTemplate, TemplateExecError } from "./template/exec.ts";
import { TemplateSyntaxError } from "./template/lexer.ts";
import { type ParsedTemplate, parseTemplate } from "./template/parser.ts";
import { goMap } from "./template/values.ts";

export { goMap, goStruct } from "./template/values.ts";

/** Executes `text` over `data`; parse and execution failures are usage errors in Go's words. */
export function renderTemplate(name: string, text: string, data: unknown, type?: string): string {
  return guarded(name, () => executeTemplate(parseTemplate(name, text, FUNCTION_NAMES), data, type));
}

export interface ListTemplate {
  readonly name: string;
  readonly type?: string;
  readonly headings?: Readonly<Record<string, string>>;
  readonly noHeading?: boolean | undefined;
}

/**
 * A whole listing by the user's template: text, or with `table …` cells still to be aligned.
 *
 * `\t` and `\n` written as two characters mean what they say. The template runs once per row,
 * unless it begins with {{range}}: then once over all of them.
 */
export function renderList(
  format: string,
  rows: readonly object[],
  request: ListTemplate,
): string | { readonly cells: string[][] } {
  return guarded(request.name, () => {
    if (format.startsWith("table ")) return tableCells(format.slice("table ".length), rows, request);
    const text = unescapeFormat(format);
    const template = parseTemplate(request.name, text, FUNCTION_NAMES);
    if (/^\{\{-?\s*range\s+(?:\$\w+(?:,\s*\$\w+)?\s*:=\s*)?\.\s*-?\}\}/.test(text))
      return endLine(executeTemplate(template, rows));
    return rows.map((row) => endLine(executeTemplate(template, row, request.type))).join("");
  });
}

/** Every column apart is a cell: podman separates columns by tabs, or by the spaces between fields. */
function tableCells(format: string, rows: readonly object[], request: ListTemplate): { cells: string[][] } {
  const text = unescapeFormat(format.trim()).replace(/\}\}[ ]+\{\{/g, "}}\t{{");
  const template = parseTemplate(request.name, text, FUNCTION_NAMES);
  const lines = rows.map((row) => executeTemplate(template, row, request.type));
  if (request.noHeading !== true) lines.unshift(executeTemplate(template, headingRow(template, request)));
  return {
    cells: lines.flatMap((line) => line.replace(/\n$/, "").split("\n")).map((line) => line.split("\t")),
  };
}

/** A row whose every field is its own heading. */
function headingRow(template: ParsedTemplate, request: ListTemplate): object {
  const headings: Record<string, string> = {};
  for (const [, field] of template.text.matchAll(/\.([A-Za-z]\w*)/g)) {
    headings[field as string] = request.headings?.[field as string] ?? headingOf(field as string);
  }
  return goMap(headings);
}

/** Actions are left alone: Go reads the escapes in their strings itself. */
function unescapeFormat(format: string): string {
  return format.replace(
    /(\{\{[\s\S]*?\}\})|\\t|\\n/g,
    (part, action) => action ?? (part === "\\t" ? "\t" : "\n"),
  );
}

function endLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function guarded<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TemplateSyntaxError) {
      throw new UsageError("bad-template", `template: ${name}:${error.line}: ${error.message}`);
    }
    if (error instanceof TemplateExecError) throw new UsageError("bad-template", error.message);
    throw error;
  }
}
