/** What talks to registries, loaded when it is asked for: a `run` of an image that is there never is. */
import { UsageError } from "../base/index.ts";
import type { Digest } from "../oci/index.ts";
import { type Context, writeEvent } from "../state/index.ts";
import type { AcquireOptions } from "./acquire.ts";
import type { PullOptions } from "./pull.ts";
import { type FoundImage, findImage, tryFindImage } from "./resolve.ts";
import type { StepCache, StepCacheOptions } from "./step-cache.ts";
import type { WriteOptions } from "./transport.ts";

const PULL_POLICIES = ["always", "missing", "newer", "never"] as const;
export type PullPolicy = (typeof PULL_POLICIES)[number];

const OLDER_WORDS: Readonly<Record<string, PullPolicy>> = { ifnewer: "newer", ifmissing: "missing" };

/** podman's older words are understood, too. @throws {UsageError} `invalid-pull-policy` */
export function parsePullPolicy(text: string): PullPolicy {
  const word = text.toLowerCase();
  const found = OLDER_WORDS[word] ?? PULL_POLICIES.find((policy) => policy === word);
  if (found !== undefined) return found;
  throw new UsageError("invalid-pull-policy", `unsupported pull policy ${JSON.stringify(text)}`, {
    hint: `Policies: ${PULL_POLICIES.join(", ")}.`,
  });
}

/** Whether a registry has another image under that name. @throws {RegistryError} */
export async function isOutdated(ctx: Context, name: string, options: PullOptions): Promise<boolean> {
  return (await import("./acquire.ts")).hasOtherImage(ctx, name, options);
}

/**
 * The images a name stands for, fetched if the policy wants it.
 *
 * @throws {NotFoundError} with the policy `never` · @throws {RegistryError | StorageError}
 */
export async function acquireImages(
  ctx: Context,
  name: string,
  options: AcquireOptions,
): Promise<FoundImage[]> {
  const { findTransport } = await import("./transport.ts");
  const { transport, location } = findTransport(name);
  const isLocal = options.policy !== "always" && tryFindImage(ctx, name) !== undefined;
  try {
    const images = await transport.read(ctx, location, options);
    if (!isLocal)
      for (const { record } of images)
        writeEvent(ctx, { type: "image", status: "pull", id: record.id, name });
    return images;
  } catch (error) {
    if (options.policy !== "never")
      writeEvent(ctx, { type: "image", status: "pull-error", name, error: (error as Error).message });
    throw error;
  }
}

/**
 * Puts an image of the store somewhere else: into a registry (the default), an archive or a directory.
 *
 * @param destination absent: the image's own name
 * @returns the digest of the manifest as it is there; docker-archive has none
 */
export async function pushImages(
  ctx: Context,
  image: string,
  destination: string | undefined,
  options: WriteOptions,
): Promise<Digest | undefined> {
  const { findTransport } = await import("./transport.ts");
  const found = findImage(ctx, image);
  const { transport, location } = findTransport(destination ?? found.name ?? image);
  const digest = await transport.write(ctx, found, location, options);
  const name = destination ?? found.name ?? image;
  writeEvent(ctx, { type: "image", status: "push", id: found.record.id, name });
  return digest;
}

/** What puts damaged images right: from where they came, or from what is left of them. */
export async function imageMending() {
  const [refetch, { remakeManifest }] = await Promise.all([
    import("./refetch.ts"),
    import("./remake-manifest.ts"),
  ]);
  return { ...refetch, remakeManifest };
}

/** Indexes made in the store (`manifest create` and its kin), with all they need of registries. */
export async function manifestLists() {
  const [{ pushList }, { addArtifact }, lists] = await Promise.all([
    import("./push-list.ts"),
    import("./manifest-artifact.ts"),
    import("./manifest-list.ts"),
  ]);
  return { ...lists, addArtifact, pushList };
}

/** Caches of build steps in registries. */
export async function openStepCache(ctx: Context, options: StepCacheOptions): Promise<StepCache> {
  const { StepCache } = await import("./step-cache.ts");
  return StepCache.open(ctx, options);
}
