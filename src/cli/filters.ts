/**
 * `--filter KEY=VALUE` with podman's semantics: values of one key are alternatives, different keys
 * must all hold; labels (and what else is declared `all`) must all hold each.
 */
import { parseTime, UsageError } from "../base/index.ts";

export interface FilterDef<T> {
  /** Makes the test for one value; called once per value, before any item is looked at. May throw. */
  readonly test: (value: string, key: string) => (item: T) => boolean;
  /** Every value must hold (label, label!) instead of any. */
  readonly all?: boolean;
}

/** Keys with their tests; a key ending in `!` answers `key!=value`. */
export type FilterTable<T> = Readonly<Record<string, FilterDef<T>>>;

/**
 * Compiles the values of --filter into one predicate.
 *
 * @throws {UsageError} for a filter without `=` or an unknown key.
 */
export function compileFilters<T>(filters: readonly string[], table: FilterTable<T>): (item: T) => boolean {
  const groups = new Map<string, ((item: T) => boolean)[]>();
  for (const filter of filters) {
    const [key, value] = splitFilter(filter);
    const definition = table[key];
    if (definition === undefined) throw unknownFilter(filter, key, table);
    const tests = groups.get(key) ?? [];
    tests.push(definition.test(value, key));
    groups.set(key, tests);
  }
  return (item) => {
    for (const [key, tests] of groups) {
      const holds = (test: (item: T) => boolean) => test(item);
      if (!(table[key]?.all === true ? tests.every(holds) : tests.some(holds))) return false;
    }
    return true;
  };
}

/** `label!=x` has the key `label!`, `name=x` the key `name`. */
export function splitFilter(filter: string): readonly [string, string] {
  const equals = filter.indexOf("=");
  if (equals <= 0) {
    throw new UsageError(
      "bad-filter",
      `invalid filter ${JSON.stringify(filter)}: must be in the format key=value`,
    );
  }
  return [filter.slice(0, equals), filter.slice(equals + 1)];
}

function unknownFilter(filter: string, key: string, table: FilterTable<never>): UsageError {
  const known = Object.keys(table).filter((name) => !name.endsWith("!"));
  return new UsageError("unknown-filter", `${filter}: ${JSON.stringify(key)} is an invalid filter`, {
    hint: `known filters: ${known.sort().join(", ")}`,
  });
}

/** `label=key`, `label=key=value`, and the same negated as `label!`. A `*` in key or value matches anything. */
export function labelFilters<T>(labels: (item: T) => Readonly<Record<string, string>>): FilterTable<T> {
  const matches = (wanted: string) => {
    const equals = wanted.indexOf("=");
    const key = globPattern(equals < 0 ? wanted : wanted.slice(0, equals));
    const value = equals < 0 ? undefined : globPattern(wanted.slice(equals + 1));
    return (item: T) =>
      Object.entries(labels(item)).some(([name, text]) => key.test(name) && (value?.test(text) ?? true));
  };
  return {
    label: { all: true, test: matches },
    "label!": {
      all: true,
      test: (wanted) => {
        const match = matches(wanted);
        return (item) => !match(item);
      },
    },
  };
}

function globPattern(text: string): RegExp {
  return new RegExp(`^${text.split("*").map(escapeRegExp).join(".*")}$`, "s");
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** A regular expression searched anywhere in any of the item's texts (names, IDs). */
export function patternFilter<T>(texts: (item: T) => readonly string[]): FilterDef<T> {
  return {
    test: (value, key) => {
      const pattern = compilePattern(value, key);
      return (item) => texts(item).some((text) => pattern.test(text));
    },
  };
}

function compilePattern(value: string, key: string): RegExp {
  try {
    return new RegExp(value);
  } catch (error) {
    throw new UsageError("bad-filter", `invalid filter ${key}=${value}: ${(error as Error).message}`);
  }
}

/** The whole text, in which a `*` matches anything. */
export function globFilter<T>(text: (item: T) => string): FilterDef<T> {
  return {
    test: (value) => {
      const pattern = globPattern(value);
      return (item) => pattern.test(text(item));
    },
  };
}

/** `true`/`false` in Go's spellings. */
export function booleanFilter<T>(holds: (item: T) => boolean): FilterDef<T> {
  return {
    test: (value, key) => {
      if (!/^(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/.test(value)) {
        throw new UsageError("bad-filter", `invalid filter ${key}=${value}: not true or false`);
      }
      const wanted = /^[1tT]/.test(value);
      return (item) => holds(item) === wanted;
    },
  };
}

/** `until=TIME`: made before that moment. `time` gives milliseconds since the epoch. */
export function untilFilter<T>(time: (item: T) => number, now: number): FilterDef<T> {
  return {
    test: (value) => {
      const limit = parseTime(value, now);
      return (item) => time(item) < limit;
    },
  };
}

/** `before=`/`since=`: older or newer than another object, which `resolve` finds or throws. */
export function relativeFilter<T>(
  time: (item: T) => number,
  resolve: (name: string) => number,
  direction: "before" | "since",
): FilterDef<T> {
  return {
    test: (value) => {
      const limit = resolve(value);
      return direction === "before" ? (item) => time(item) < limit : (item) => time(item) > limit;
    },
  };
}
