/** How `create` and `run` get an image that is not there: as `pull` does, told on standard error. */
import { type AcquireOptions, acquireImages, type FoundImage, type PullPolicy } from "../image/index.ts";
import type { Context } from "../state/index.ts";
import { chooseName } from "./choose-name.ts";
import type { Io } from "./command.ts";
import { interruptible } from "./interrupt.ts";
import { type AccessFlags, accessOptions, type RetryFlags, retryOptions } from "./options/registry.ts";
import { patient } from "./patience.ts";
import { showProgress } from "./progress.ts";

export interface FetchFlags extends AccessFlags, RetryFlags {
  readonly quiet?: boolean;
}

export async function fetchImage(
  ctx: Context,
  io: Io,
  wanted: {
    readonly name: string;
    readonly policy: PullPolicy;
    readonly flags: FetchFlags;
    readonly given: ReadonlySet<string>;
    readonly platform?: AcquireOptions["platform"];
  },
): Promise<FoundImage> {
  const { name, policy, flags, given, platform } = wanted;
  const progress = patient(showProgress(io, flags.quiet === true));
  try {
    const [found] = await interruptible((signal) =>
      acquireImages(ctx, name, {
        policy,
        platform,
        access: accessOptions(flags, given),
        ...retryOptions(ctx, flags, given),
        ...chooseName(io),
        progress,
        signal,
      }),
    );
    return found as FoundImage;
  } finally {
    progress.close();
  }
}
