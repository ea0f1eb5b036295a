/**
 * Names of images in docker's and podman's grammar: `[DOMAIN/]PATH[:TAG][@DIGEST]`.
 * Which full name a short one stands for is policy, and lives in the functions at the end.
 */
import { UsageError } from "../base/index.ts";
import { type Digest, isDigest } from "./digest.ts";

export interface Reference {
  /** `docker.io`, `localhost`, `registry:5000`; absent for a short name. */
  readonly domain?: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** A reference that says where it lives. */
export type FullReference = Reference & { readonly domain: string };

export const DEFAULT_TAG = "latest";
export const DEFAULT_REGISTRY = "docker.io";
export const LOCAL_DOMAIN = "localhost";

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const DOMAIN =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;
const TAG = /^\w[\w.-]{0,127}$/;
const MAX_NAME = 255;

/**
 * Parses a name as typed. A first component is a domain if it has a dot or a colon or is
 * `localhost`, as in docker; otherwise the name is short and stays so.
 *
 * @throws {UsageError} `reference-invalid`
 */
export function parseReference(text: string): Reference {
  let rest = text;
  let digest: Digest | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    const tail = rest.slice(at + 1);
    if (!isDigest(tail)) throw invalid(text, "invalid reference format");
    digest = tail;
    rest = rest.slice(0, at);
  }
  let tag: string | undefined;
  const colon = rest.lastIndexOf(":");
  if (colon > rest.lastIndexOf("/")) {
    tag = rest.slice(colon + 1);
    rest = rest.slice(0, colon);
    if (!TAG.test(tag)) throw invalid(text, "invalid reference format");
  }
  return {
    ...parseName(text, rest),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

function parseName(text: string, name: string): { domain?: string; path: string } {
  if (name.length > MAX_NAME)
    throw invalid(text, `repository name must not be more than ${MAX_NAME} characters`);
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const hasDomain =
    first !== "" && (/[.:]/.test(first) || first === LOCAL_DOMAIN || first !== first.toLowerCase());
  const path = hasDomain ? name.slice(slash + 1) : name;
  if (!path.split("/").every((part) => COMPONENT.test(part))) {
    throw invalid(
      text,
      path !== path.toLowerCase() ? "repository name must be lowercase" : "invalid reference format",
    );
  }
  // 64 hex digits would be taken for an image ID everywhere else.
  if (!hasDomain && /^[0-9a-f]{64}$/.test(path)) throw invalid(text, "invalid reference format");
  if (!hasDomain) return { path };
  if (!DOMAIN.test(first)) throw invalid(text, "invalid reference format");
  return { domain: first, path };
}

function invalid(text: string, reason: string): UsageError {
  return new UsageError(
    "reference-invalid",
    `cannot use image name ${JSON.stringify(text.slice(0, 300))}: ${reason}`,
  );
}

/** Same as `parseReference`, but undefined for what is not a name. */
export function tryParseReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** `domain/path`, without tag and digest. */
export function repository(reference: Reference): string {
  return reference.domain === undefined ? reference.path : `${reference.domain}/${reference.path}`;
}

export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return repository(reference) + tag + digest;
}

/** Adds `:latest` to a name that has neither tag nor digest. */
export function withDefaultTag<R extends Reference>(reference: R): R {
  return reference.tag !== undefined || reference.digest !== undefined
    ? reference
    : { ...reference, tag: DEFAULT_TAG };
}

/**
 * The full form docker gives a name: `x` is `docker.io/library/x:latest`. Also mends
 * `docker.io/x` and docker's old `index.docker.io`.
 */
export function dockerReference(reference: Reference): FullReference {
  const domain =
    reference.domain === undefined || reference.domain === "index.docker.io"
      ? DEFAULT_REGISTRY
      : reference.domain;
  const library = domain === DEFAULT_REGISTRY && !reference.path.includes("/");
  return withDefaultTag({
    ...reference,
    domain,
    path: library ? `library/${reference.path}` : reference.path,
  });
}

/** The full form of a name the user gives to something made here: short names become `localhost/…`. */
export function localReference(reference: Reference): FullReference {
  if (reference.domain === undefined) return withDefaultTag({ ...reference, domain: LOCAL_DOMAIN });
  return dockerReference(reference);
}

/** `localReference` from and to text, for tag, import, load and commit. */
export function localName(text: string): string {
  return formatReference(localReference(parseReference(text)));
}

/**
 * The full names a name may stand for in the local store, in order of preference.
 *
 * @param search registries for short names, from configuration.
 */
export function localCandidates(
  reference: Reference,
  search: readonly string[] = [DEFAULT_REGISTRY],
): FullReference[] {
  if (reference.domain !== undefined) return [dockerReference(reference)];
  const found = [localReference(reference)];
  for (const domain of new Set([...search, DEFAULT_REGISTRY]))
    found.push(dockerReference({ ...reference, domain }));
  return found;
}
