/** The tree of a parsed template, and its nodes as Go prints them in error messages. */

interface At {
  readonly pos: number;
}

export type Operand =
  | (At & { readonly type: "dot" | "nil" })
  | (At & { readonly type: "field"; readonly names: readonly string[] })
  | (At & { readonly type: "variable"; readonly name: string; readonly names: readonly string[] })
  | (At & { readonly type: "chain"; readonly base: Operand; readonly names: readonly string[] })
  | (At & { readonly type: "function"; readonly name: string })
  | (At & { readonly type: "constant"; readonly value: string | number | boolean; readonly source: string })
  | (At & { readonly type: "pipe"; readonly pipe: Pipe });

export interface Command extends At {
  readonly type: "command";
  readonly args: readonly Operand[];
}

export interface Pipe extends At {
  readonly type: "pipeline";
  readonly variables: readonly string[];
  /** `$x = …` of an existing variable. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

interface Branch extends At {
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[] | undefined;
}

export type Node =
  | (At & { readonly type: "text"; readonly text: string })
  | (At & { readonly type: "action"; readonly pipe: Pipe })
  | (Branch & { readonly type: "if" | "with" | "range" })
  | (At & { readonly type: "template"; readonly name: string; readonly pipe: Pipe | undefined })
  | (At & { readonly type: "break" | "continue" });

export type Printable = Operand | Command | Pipe | Node;

/** The node in Go's own normalised spelling. */
export function nodeText(node: Printable): string {
  switch (node.type) {
    case "dot":
      return ".";
    case "field":
      return `.${node.names.join(".")}`;
    case "variable":
      return [node.name, ...node.names].join(".");
    case "chain":
      return `${chainBase(node.base)}.${node.names.join(".")}`;
    case "function":
      return node.name;
    case "constant":
      return node.source;
    case "pipe":
      return nodeText(node.pipe);
    case "command":
      return node.args.map((arg) => (arg.type === "pipe" ? `(${nodeText(arg)})` : nodeText(arg))).join(" ");
    case "pipeline":
      return declaration(node) + node.commands.map(nodeText).join(" | ");
    case "text":
      return JSON.stringify(node.text);
    case "action":
      return `{{${nodeText(node.pipe)}}}`;
    case "template":
      return `{{template ${JSON.stringify(node.name)}${node.pipe === undefined ? "" : ` ${nodeText(node.pipe)}`}}}`;
    case "if":
    case "with":
    case "range":
      return `{{${node.type} ${nodeText(node.pipe)}}}`;
    default:
      return node.type;
  }
}

function chainBase(base: Operand): string {
  return base.type === "pipe" ? `(${nodeText(base)})` : nodeText(base);
}

function declaration(pipe: Pipe): string {
  if (pipe.variables.length === 0) return "";
  return `${pipe.variables.join(", ")} ${pipe.assigns ? "=" : ":="} `;
}
