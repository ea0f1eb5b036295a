/** What the instructions of a Dockerfile are, once read. Variables are still in the words: they are replaced when a step runs. */
import type { Heredoc, LogicalLine } from "./logical-lines.ts";

interface Base {
  readonly line: LogicalLine;
}

/** `["a", "b"]`, or a text for the shell. */
export type Command =
  | { readonly form: "exec"; readonly argv: readonly string[] }
  | { readonly form: "shell"; readonly text: string };

export interface FromInstruction extends Base {
  readonly kind: "from";
  readonly image: string;
  /** Lower case. */
  readonly as?: string;
  readonly platform?: string;
}

export interface RunInstruction extends Base {
  readonly kind: "run";
  readonly command: Command;
  readonly heredocs: readonly Heredoc[];
  readonly mounts: readonly string[];
  readonly network?: string;
}

export interface CopyInstruction extends Base {
  readonly kind: "copy" | "add";
  readonly sources: readonly string[];
  readonly destination: string;
  /** Files whose content stands in the Dockerfile; their names are among `sources` no more. */
  readonly heredocs: readonly Heredoc[];
  readonly from?: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly parents: boolean;
  readonly excludes: readonly string[];
  readonly checksum?: string;
  readonly keepGitDir: boolean;
  readonly unpack?: boolean;
}

export interface PairsInstruction extends Base {
  readonly kind: "env" | "label";
  readonly pairs: readonly (readonly [string, string])[];
}

export interface ArgInstruction extends Base {
  readonly kind: "arg";
  readonly args: readonly { readonly name: string; readonly value?: string }[];
}

export interface CommandInstruction extends Base {
  readonly kind: "cmd" | "entrypoint";
  readonly command: Command;
}

export interface ShellInstruction extends Base {
  readonly kind: "shell";
  readonly argv: readonly string[];
}

export interface ValueInstruction extends Base {
  readonly kind: "user" | "workdir" | "stopsignal" | "maintainer" | "onbuild";
  readonly value: string;
}

export interface ListInstruction extends Base {
  readonly kind: "expose" | "volume";
  readonly values: readonly string[];
}

export interface HealthcheckInstruction extends Base {
  readonly kind: "healthcheck";
  /** Undefined: NONE. */
  readonly command?: Command;
  /** Durations as written. */
  readonly timing: Readonly<Record<string, string>>;
}

/** What may follow FROM. */
export type StageInstruction =
  | RunInstruction
  | CopyInstruction
  | PairsInstruction
  | ArgInstruction
  | CommandInstruction
  | ShellInstruction
  | ValueInstruction
  | ListInstruction
  | HealthcheckInstruction;

export type Instruction = FromInstruction | StageInstruction;
