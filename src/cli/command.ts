/**
 * What a command is. Every command file exports one `defineCommand({...})`; the table of them
 * (commands/index.ts) is the single source for parsing, help, man pages and completions.
 */

/** How an option's value is read. `count`-less: kelp has no counted flags but -v, which is a plain boolean. */
export type ValueKind = "boolean" | "string" | "list" | "int" | "bytes" | "duration" | "map";

/** What a value names, for completion. */
export type Completes = "container" | "running" | "image" | "volume" | "network" | "file" | "dir" | "command" | "none" | readonly string[];

export interface OptionDef<K extends ValueKind = ValueKind, D = unknown> {
  readonly kind: K;
  /** Long name without dashes is the key in the table; this is the optional single letter. */
  readonly short?: string;
  /** One line, no full stop. */
  readonly text: string;
  /** The word shown for the value in help (`--name NAME`). */
  readonly value?: string;
  readonly default?: D;
  /** Other long spellings accepted (docker's, podman's old ones). */
  readonly aliases?: readonly string[];
  readonly hidden?: boolean;
  readonly completes?: Completes;
  /** podman splits this list's values at commas. */
  readonly comma?: boolean;
  /** pflag's NoOptDefVal: the value when `--name` stands alone; otherwise a value is required. */
  readonly bare?: string;
}

type OptionValue<O extends OptionDef> = O["kind"] extends "boolean"
  ? O["default"] extends undefined ? boolean | undefined : boolean
  : O["kind"] extends "list"
    ? readonly string[]
    : O["kind"] extends "map"
      ? Readonly<Record<string, string>>
      : O["kind"] extends "int" | "bytes" | "duration"
        ? O extends { readonly default: number } ? number : number | undefined
        : O extends { readonly default: string } ? string : string | undefined;

export type OptionTable = Readonly<Record<string, OptionDef>>;
/** Parsed options under their long names, exactly as declared (`options["stop-timeout"]`). Boolean without default: false. */
export type OptionValues<T extends OptionTable> = { readonly [K in keyof T]: T[K]["kind"] extends "boolean" ? boolean : OptionValue<T[K]> };

export interface ArgsDef {
  readonly min: number;
  readonly max?: number;
  /** `after-first`: options end at the first argument (run, create, exec); `anywhere` otherwise. */
  readonly options?: "anywhere" | "after-first";
  readonly completes?: Completes;
}

/** Where a command writes. Tests pass their own; the real one handles broken pipes. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  readonly stdinIsTty: boolean;
  readonly stdoutIsTty: boolean;
  readonly stderrIsTty: boolean;
  /** Columns of the terminal, or 80. */
  readonly columns: number;
}

export interface Invocation<T extends OptionTable> {
  readonly options: OptionValues<T>;
  /** Long names the user gave explicitly. */
  readonly given: ReadonlySet<string>;
  readonly args: readonly string[];
  readonly io: Io;
  /** The whole command line as typed, for `CreateCommand`. */
  readonly argv: readonly string[];
  readonly globals: Globals;
}

export interface Globals {
  readonly root?: string;
  readonly runroot?: string;
  readonly storageDriver?: string;
  readonly storageOpts: readonly string[];
  readonly logLevel: string;
  readonly config?: string;
  readonly noout: boolean;
  readonly [name: string]: unknown;
}

export interface CommandDef<T extends OptionTable = OptionTable> {
  /** All spellings, the canonical one first: [["rm"], ["container", "rm"]]. */
  readonly paths: readonly (readonly string[])[];
  readonly summary: string;
  /** Longer prose for help and the man page. */
  readonly description?: string;
  /** After the name: `[options] IMAGE [COMMAND [ARG...]]`. */
  readonly usage: string;
  readonly examples?: readonly (readonly [string, string])[];
  readonly options: T;
  readonly args: ArgsDef;
  readonly hidden?: boolean;
  /** Returns the exit status; throws KelpError for failures. */
  run(invocation: Invocation<T>): Promise<number> | number;
}

export function defineCommand<const T extends OptionTable>(definition: CommandDef<T>): CommandDef<T> {
  return definition;
}
