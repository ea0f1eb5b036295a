/** `export`: all files of a container, as they would be without its mounts, as one tar. */
import { runInside } from "../runtime/index.ts";
import { type ContainerRecord, type Context, writeContainerEvent } from "../state/index.ts";
import { containerRootfs } from "./rootfs.ts";

/**
 * @param fd where the bytes go
 * @throws {StorageError} `archive-failed`, `disk-full`
 */
export async function exportContainer(ctx: Context, record: ContainerRecord, fd: number): Promise<void> {
  const rootfs = await containerRootfs(ctx, record);
  const input = {
    path: rootfs.merged,
    fd: 3,
    owners: record.config.ownIds,
    name: `the files of container ${record.name}`,
  };
  await runInside(ctx, "archive-tree", input, { fds: [fd], views: [{ rootfs, writable: false }] });
  writeContainerEvent(ctx, "export", record);
}
