/** `images --filter`. */
import { UsageError } from "../base/index.ts";
import { byName, findImage, type ImageSummary } from "../image/index.ts";
import { parseReference } from "../oci/index.ts";
import type { Context } from "../state/index.ts";
import {
  booleanFilter,
  compileFilters,
  type FilterTable,
  labelFilters,
  relativeFilter,
  untilFilter,
} from "./filters.ts";

type Predicate = (image: ImageSummary) => boolean;

/** @throws {UsageError} for a filter without `=` or of an unknown key */
export function imageFilter(ctx: Context, filters: readonly string[]): Predicate {
  const bad = filters.find((filter) => filter.indexOf("=") <= 0);
  if (bad !== undefined) {
    throw new UsageError(
      "bad-filter",
      `invalid image filter ${JSON.stringify(bad)}: must be in the format "filter=value or filter!=value"`,
    );
  }
  return compileFilters(filters, table(ctx));
}

function table(ctx: Context): FilterTable<ImageSummary> {
  const created = (image: ImageSummary) => image.record.created;
  const createdOf = (name: string) => findImage(ctx, name).record.created;
  const before = relativeFilter(created, createdOf, "before");
  const since = relativeFilter(created, createdOf, "since");
  const reference = { test: (pattern: string) => matchesReference(pattern) };
  return {
    ...labelFilters<ImageSummary>((image) => image.labels),
    after: since,
    before,
    since,
    containers: booleanFilter((image) => image.containers > 0),
    dangling: booleanFilter((image) => image.record.names.length === 0),
    digest: {
      test: (value) => (image) =>
        [image.record.manifestDigest, ...image.record.digests].some((digest) => digest.startsWith(value)),
    },
    id: { test: (value) => (image) => image.record.id.startsWith(value.replace(/^sha256:/, "")) },
    intermediate: booleanFilter((image) => image.intermediate),
    manifest: booleanFilter(() => false),
    readonly: booleanFilter((image) => image.record.readOnly),
    reference,
    "reference!": { all: true, test: (pattern) => not(matchesReference(pattern)) },
    until: untilFilter(created, Date.now()),
  };
}

function not(predicate: Predicate): Predicate {
  return (image) => !predicate(image);
}

/** A glob over name, name without registry, and either with tag; a plain name without tag means all of its tags. */
function matchesReference(pattern: string): Predicate {
  const glob = globOf(pattern);
  return (image) =>
    byName(image).some(({ repository, tag }) => {
      if (repository === undefined || tag === undefined) return false;
      const { path } = parseReference(repository);
      const base = path.slice(path.lastIndexOf("/") + 1);
      return [repository, path, base].some((name) => glob.test(name) || glob.test(`${name}:${tag}`));
    });
}

/** `*` and `?` stop at a slash, as in Go's path.Match. */
function globOf(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  try {
    return new RegExp(`^${source}$`);
  } catch {
    throw new UsageError("bad-filter", `invalid reference pattern ${JSON.stringify(pattern)}`);
  }
}
