/** From what the user calls an image to its record. */
import { ConflictError, NotFoundError, nearHint, UsageError } from "../base/index.ts";
import {
  formatReference,
  localCandidates,
  type Reference,
  repository,
  tryParseReference,
  withDefaultTag,
} from "../oci/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";

export interface FoundImage {
  readonly record: ImageRecord;
  /** The full name it was found by; absent if by ID. */
  readonly name?: string;
}

/**
 * Finds an image by name (short or full, with tag or digest), by ID, or by a unique prefix of its ID. Names
 * win over IDs, as in podman; a name without tag means `latest`.
 *
 * @throws {NotFoundError} `image-not-known` (exit 125) · @throws {ConflictError} `id-ambiguous`
 */
export function findImage(ctx: Context, name: string): FoundImage {
  const found = tryFindImage(ctx, name);
  if (found !== undefined) return found;
  throw imageNotKnown(ctx, name);
}

export function imageNotKnown(ctx: Context, name: string): NotFoundError {
  const full = ctx.state.images.list().flatMap(({ names }) => names);
  const words = [...full, ...full.flatMap(shorterNames)];
  return new NotFoundError(
    "image-not-known",
    `${name}: image not known`,
    nearHint(name, words, "`kelp images` lists the images"),
  );
}

/** What people write instead of `localhost/web:latest`. */
function shorterNames(name: string): string[] {
  const last = name.slice(name.lastIndexOf("/") + 1);
  return [last, last.replace(/:[^:]*$/, "")];
}

/** Same, but undefined for what is not there. */
export function tryFindImage(ctx: Context, name: string): FoundImage | undefined {
  if (name === "") throw new UsageError("reference-invalid", "cannot find an image without a name");
  const { images } = ctx.state;
  const id = name.replace(/^sha256:/, "");
  const exact = /^[0-9a-f]{64}$/.test(id)
    ? (images.get(id) ?? images.byDigest(`sha256:${id}`)[0])
    : undefined;
  if (exact !== undefined) return { record: exact };
  const reference = name.startsWith("sha256:") ? undefined : tryParseReference(name);
  const named = reference === undefined ? undefined : byReference(ctx, reference);
  return named ?? byPrefix(ctx, id);
}

function byReference(ctx: Context, reference: Reference): FoundImage | undefined {
  if (reference.digest !== undefined) return byRepoDigest(ctx, reference);
  for (const candidate of localCandidates(reference)) {
    const full = formatReference(candidate);
    const record = ctx.state.images.byName(full);
    if (record !== undefined) return { record, name: full };
  }
  return reference.domain === undefined ? bySuffix(ctx, reference) : undefined;
}

/** `name@digest` is served only if that name was really had with it. */
function byRepoDigest(ctx: Context, reference: Reference): FoundImage | undefined {
  for (const record of ctx.state.images.byDigest(reference.digest as string)) {
    for (const candidate of localCandidates(reference)) {
      const repo = repository(candidate);
      const full = `${repo}@${reference.digest}`;
      const known =
        record.repoDigests.includes(full) ||
        record.names.some((name) => name.slice(0, name.lastIndexOf(":")) === repo);
      if (known) return { record, name: full };
    }
  }
  return undefined;
}

/** The last resort for a short name: an image of any registry whose name ends in it. */
function bySuffix(ctx: Context, reference: Reference): FoundImage | undefined {
  const wanted = `/${formatReference(withDefaultTag(reference))}`;
  for (const record of ctx.state.images.list()) {
    const name = record.names.find((candidate) => candidate.endsWith(wanted));
    if (name !== undefined) return { record, name };
  }
  return undefined;
}

function byPrefix(ctx: Context, prefix: string): FoundImage | undefined {
  const found = ctx.state.images.byIdPrefix(prefix);
  if (found.length > 1) {
    throw new ConflictError(
      "id-ambiguous",
      `cannot find image ${prefix}: ${found.length} images have IDs that begin so`,
      {
        exitCode: 125,
        hint: "give more digits of the ID",
      },
    );
  }
  return found[0] === undefined ? undefined : { record: found[0] };
}

/** The name a container is said to be made from: the one it was found by, else the image's first. */
export function displayName(found: FoundImage): string {
  return found.name ?? found.record.names[0] ?? found.record.id;
}

/**
 * `findImage`, and the embedded image is loaded when its name is asked for and nothing has it.
 *
 * @throws {NotFoundError}
 */
export async function resolveImage(ctx: Context, name: string): Promise<FoundImage> {
  const found = tryFindImage(ctx, name);
  if (found !== undefined) return found;
  const { isEmbeddedName, loadEmbedded } = await import("./ensure-embedded.ts");
  if (isEmbeddedName(name)) {
    await loadEmbedded(ctx);
    return findImage(ctx, name);
  }
  throw imageNotKnown(ctx, name);
}
