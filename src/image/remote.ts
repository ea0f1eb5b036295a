/** What talks to registries, loaded when it is asked for: a `run` of an image that is there never is. */
import { UsageError } from "../base/index.ts";
import type { Context } from "../state/index.ts";
import type { AcquireOptions } from "./acquire.ts";
import type { FoundImage } from "./resolve.ts";

export const PULL_POLICIES = ["always", "missing", "newer", "never"] as const;
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
  const acquire = await import("./acquire.ts");
  return acquire.acquireImages(ctx, name, options);
}
