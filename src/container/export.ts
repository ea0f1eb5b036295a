/** `export`: all files of a container, as they would be without its mounts, as one tar. */
import { runInside } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { containerRootfs } from "./rootfs.ts";

/**
 * @param fd where the bytes go
 * @throws {StorageError} `archive-failed`, `disk-full`
 */
export async function exportContainer(
  ctx: Context,
  record: ContainerRecord,
  fd: number,
  options: { readonly sync?: boolean } = {},
): Promise<void> {
  const rootfs = await containerRootfs(ctx, record);
  await runInside(
    ctx,
    "archive-tree",
    {
      path: rootfs.merged,
      fd: 3,
      owners: record.config.ownIds,
      name: `the files of container ${record.name}`,
      ...options,
    },
    { fds: [fd], views: [{ rootfs, writable: false }] },
  );
}
