/** How much room containers take. */
import { join } from "node:path";
import { containerDir } from "../host/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";

export interface ContainerSize {
  /** Bytes of the files of the container's own layer. */
  readonly own: number;
  /** With the image's. */
  readonly total: number;
}

/** By ID, all found by one job: files of a container's users are not for everybody to see. */
export async function containerSizes(
  ctx: Context,
  records: readonly ContainerRecord[],
): Promise<ReadonlyMap<string, ContainerSize>> {
  if (records.length === 0) return new Map();
  const { runInside } = await import("../runtime/index.ts");
  const paths = records.map(({ id, config }) =>
    join(containerDir(ctx.paths, id), config.storageDriver === "vfs" ? "rootfs" : "upper"),
  );
  const sizes: { content: number }[] = await runInside(ctx, "measure-trees", { paths });
  return new Map(
    records.map(({ id, config }, index) => {
      const own = sizes[index]?.content ?? 0;
      const image = config.image === "" ? undefined : ctx.state.images.get(config.image);
      return [id, { own, total: own + (image?.size ?? 0) }];
    }),
  );
}
