/** Where the values of ARGs come from. */
import { expandWord } from "./dockerfile/expand.ts";
import type { ArgInstruction } from "./dockerfile/instruction.ts";

/** Known without ARG, passed to every RUN when given, and never part of what a step depends on or of history. */
export const PROXY_ARGS: ReadonlySet<string> = new Set(
  ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [
    name,
    name.toLowerCase(),
  ]),
);

/** They mean something without an ARG. */
const IMPLIED_ARGS: ReadonlySet<string> = new Set([
  ...PROXY_ARGS,
  "SOURCE_DATE_EPOCH",
  "BUILDKIT_CONTEXT_KEEP_GIT_DIR",
]);

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** TARGETPLATFORM and its relatives: known before the first FROM, and in a stage once an ARG names them. */
export function platformArgs(
  target: Platform,
  build: Platform,
  stage: string | undefined,
): Map<string, string> {
  const args = new Map<string, string>();
  for (const [prefix, platform] of [
    ["TARGET", target],
    ["BUILD", build],
  ] as const) {
    const variant = platform.variant === undefined ? "" : `/${platform.variant}`;
    args.set(`${prefix}PLATFORM`, `${platform.os}/${platform.architecture}${variant}`);
    args.set(`${prefix}OS`, platform.os);
    args.set(`${prefix}ARCH`, platform.architecture);
    args.set(`${prefix}VARIANT`, platform.variant ?? "");
  }
  args.set("TARGETSTAGE", stage ?? "default");
  return args;
}

export class BuildArgs {
  readonly #given: Readonly<Record<string, string>>;
  readonly #used = new Set<string>();
  readonly #platform: ReadonlyMap<string, string>;
  readonly #global: ReadonlyMap<string, string>;

  constructor(
    given: Readonly<Record<string, string>>,
    platform: ReadonlyMap<string, string>,
    globals: readonly ArgInstruction[],
    escapeChar: string,
  ) {
    this.#given = given;
    this.#platform = platform;
    const values = new Map<string, string>();
    for (const { args } of globals) {
      for (const { name, value } of args) {
        const lookup = (wanted: string) => values.get(wanted) ?? platform.get(wanted);
        const own = this.#take(name);
        const found =
          own ??
          (value === undefined ? platform.get(name) : expandWord(value, { escape: escapeChar, lookup }));
        if (found !== undefined) values.set(name, found);
      }
    }
    this.#global = values;
  }

  #take(name: string): string | undefined {
    if (!Object.hasOwn(this.#given, name)) return undefined;
    this.#used.add(name);
    return this.#given[name];
  }

  /** For FROM. */
  readonly lookupGlobal = (name: string): string | undefined =>
    this.#global.get(name) ?? this.#platform.get(name);

  /** The value an ARG in a stage gives to its name: the command line's, its own, the one before the first FROM, the platform's. */
  valueOf(name: string, own: string | undefined): string | undefined {
    return this.#take(name) ?? own ?? this.#global.get(name) ?? this.#platform.get(name);
  }

  /** What RUN gets without an ARG. */
  proxies(): [string, string][] {
    return Object.entries(this.#given).filter(([name]) => PROXY_ARGS.has(name));
  }

  unused(): string[] {
    return Object.keys(this.#given).filter((name) => !this.#used.has(name) && !IMPLIED_ARGS.has(name));
  }
}
