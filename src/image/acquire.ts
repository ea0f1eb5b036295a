/** From what a user calls an image to one that is in the store: policies, short names, transports. */
import { type KelpError, RegistryError, UsageError } from "../base/index.ts";
import {
  dockerReference,
  type FullReference,
  formatReference,
  type Platform,
  parseReference,
  type Reference,
} from "../oci/index.ts";
import { type RegistryAccess, searchRegistries } from "../registry/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import { imageConfig } from "./documents.ts";
import { normaliseArchitecture } from "./platform.ts";
import { Puller, type PullOptions } from "./pull.ts";
import type { PullPolicy } from "./remote.ts";
import { type FoundImage, imageNotKnown, tryFindImage } from "./resolve.ts";

export interface AcquireOptions extends PullOptions {
  readonly policy: PullPolicy;
  /** Every tag of the repository. */
  readonly allTags?: boolean;
  /** Which of several registries a short name means; absent where nobody can be asked. */
  choose?(candidates: readonly string[]): Promise<string | undefined>;
}

/** Images of a registry, or those of the store that make asking one unnecessary. */
export async function acquireFromRegistry(
  ctx: Context,
  name: string,
  options: AcquireOptions,
): Promise<FoundImage[]> {
  return options.allTags === true ? allTags(ctx, name, options) : [await acquireOne(ctx, name, options)];
}

async function acquireOne(ctx: Context, name: string, options: AcquireOptions): Promise<FoundImage> {
  const { policy } = options;
  const local = policy === "always" ? undefined : localImage(ctx, name, options.platform);
  if (local !== undefined && policy !== "newer") return local;
  if (policy === "never") throw imageNotKnown(ctx, name);
  const puller = await Puller.open(ctx, options);
  const candidates = await pullCandidates(puller.access, parseReference(name), options);
  if (local !== undefined && (await isCurrent(puller, candidates, local))) return local;
  try {
    return await pullFirst(puller, candidates, options);
  } catch (error) {
    if (local === undefined || !(error instanceof RegistryError)) throw error;
    options.progress.warn(`${error.message}: using the image that is there`);
    return local;
  }
}

/** An image that is there, if it is for the wanted platform. */
function localImage(ctx: Context, name: string, platform: Platform | undefined): FoundImage | undefined {
  const local = tryFindImage(ctx, name);
  if (local === undefined || platform === undefined) return local;
  const { os, architecture, variant } = imageConfig(local.record);
  const same = os === platform.os && normaliseArchitecture(architecture) === platform.architecture;
  return same && (platform.variant === undefined || variant === undefined || variant === platform.variant)
    ? local
    : undefined;
}

/**
 * Whether a registry has another image under the full name than the store.
 *
 * @throws {RegistryError} if it cannot be asked
 */
export async function hasOtherImage(ctx: Context, name: string, options: PullOptions): Promise<boolean> {
  const local = tryFindImage(ctx, name);
  if (local === undefined) return true;
  const puller = await Puller.open(ctx, options);
  const digest = await puller.remoteDigest(dockerReference(parseReference(name)));
  return (
    digest !== local.record.manifestDigest && !(digest !== undefined && local.record.digests.includes(digest))
  );
}

async function isCurrent(
  puller: Puller,
  candidates: readonly FullReference[],
  local: FoundImage,
): Promise<boolean> {
  const [first] = candidates;
  if (first === undefined) return true;
  try {
    const digest = await puller.remoteDigest(first);
    return (
      digest !== undefined &&
      (digest === local.record.manifestDigest || local.record.digests.includes(digest))
    );
  } catch {
    // Not to be reached: what is there is as new as it gets.
    return true;
  }
}

async function pullFirst(
  puller: Puller,
  candidates: readonly FullReference[],
  options: AcquireOptions,
): Promise<FoundImage> {
  const failures: KelpError[] = [];
  for (const reference of candidates) {
    options.progress.line(`Trying to pull ${formatReference(reference)}...`);
    try {
      const { record } = await puller.pull(reference);
      return found(record, formatReference(reference));
    } catch (error) {
      const next =
        error instanceof RegistryError && error.code !== "interrupted" && error.code !== "policy-rejected";
      if (!next) throw error;
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  throw new RegistryError(
    "pull-failed",
    `${failures.length} errors occurred while pulling: ${failures.map(({ message }) => message).join("; ")}`,
    { cause: failures[0] },
  );
}

function found(record: ImageRecord, name: string | undefined): FoundImage {
  return name === undefined ? { record } : { record, name };
}

async function allTags(ctx: Context, name: string, options: AcquireOptions): Promise<FoundImage[]> {
  const reference = parseReference(name);
  if (reference.tag !== undefined || reference.digest !== undefined)
    throw new UsageError("arguments-conflict", "--all-tags requires a reference without a tag or digest");
  const puller = await Puller.open(ctx, options);
  const [repo] = await pullCandidates(puller.access, reference, options);
  const images: FoundImage[] = [];
  if (repo === undefined) return images;
  for (const tag of await puller.tags(repo)) {
    const { digest: _, ...rest } = repo;
    images.push(await pullFirst(puller, [{ ...rest, tag }], options));
  }
  return images;
}

/**
 * The full names a name may stand for in registries: itself, its alias, or one for each search registry.
 *
 * @throws {RegistryError} `short-name-ambiguous`
 */
async function pullCandidates(
  access: RegistryAccess,
  reference: Reference,
  options: AcquireOptions,
): Promise<FullReference[]> {
  if (reference.domain !== undefined) return [dockerReference(reference)];
  const { conf } = access;
  const alias = conf.aliases.get(reference.path);
  if (alias !== undefined) {
    options.progress.line(`Resolved ${JSON.stringify(reference.path)} as an alias`);
    return [dockerReference({ ...parseReference(alias), ...tagOf(reference) })];
  }
  const { registries, isDefault } = searchRegistries(conf);
  if (isDefault) options.progress.line(`No registry for short names is configured: taking ${registries[0]}`);
  const all = registries.map((domain) => inRegistry(domain, reference));
  if (all.length <= 1 || conf.mode === "disabled") return all;
  const names = all.map(formatReference);
  const chosen = await options.choose?.(names);
  if (chosen !== undefined) return all.filter((candidate) => formatReference(candidate) === chosen);
  if (conf.mode === "permissive") return all;
  throw new RegistryError(
    "short-name-ambiguous",
    `short-name ${JSON.stringify(formatReference(reference))} did not resolve to one name: short-name resolution enforced but cannot prompt without a TTY`,
    { hint: `write it in full: ${names.join(", ")}` },
  );
}

function tagOf({ tag, digest }: Reference): Pick<Reference, "tag" | "digest"> {
  return { ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** A search registry may come with a path. */
function inRegistry(registry: string, reference: Reference): FullReference {
  const slash = registry.indexOf("/");
  const domain = slash < 0 ? registry : registry.slice(0, slash);
  const path = slash < 0 ? reference.path : `${registry.slice(slash + 1)}/${reference.path}`;
  return dockerReference({ ...reference, domain, path });
}
