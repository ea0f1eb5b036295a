/** Lets `create` and `run` fetch an image without loading, for all the times they need not, what that takes. */
import type { CreateRequest } from "../container/index.ts";
import type { Context } from "../state/index.ts";
import type { Io } from "./command.ts";
import type { FetchFlags } from "./fetch-image.ts";

export function fetcher(
  ctx: Context,
  io: Io,
  flags: FetchFlags,
  given: ReadonlySet<string>,
): NonNullable<CreateRequest["fetch"]> {
  return async (name, policy, platform) => {
    const { fetchImage } = await import("./fetch-image.ts");
    return fetchImage(ctx, io, { name, policy, platform, flags, given });
  };
}
