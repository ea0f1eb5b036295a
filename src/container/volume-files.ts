/** `volume export` and `volume import`: what a volume holds, as an archive. Links stay links, and lead nowhere on the way. */
import { closeSync, openSync } from "node:fs";
import { type InputSource, openInput, uncompressed } from "../image/index.ts";
import { runInside } from "../runtime/index.ts";
import type { Context, VolumeRecord } from "../state/index.ts";
import type { ArchiveEnd } from "../storage/index.ts";
import { volumeFiles } from "../volume/index.ts";

/** @param fd where the bytes go */
export async function exportVolume(ctx: Context, volume: VolumeRecord, fd: number): Promise<void> {
  const input = { path: volumeFiles(volume), fd: 3, name: `the files of volume ${volume.name}` };
  await runInside(ctx, "archive-tree", input, { fds: [fd] });
}

/** Adds what the archive holds to the volume; files of the same name are replaced. */
export async function importVolume(ctx: Context, volume: VolumeRecord, source: InputSource): Promise<void> {
  let archive = await openInput(ctx, source);
  try {
    if (archive.compression === "bzip2" || archive.compression === "xz")
      archive = await uncompressed(ctx, archive);
    const fd = openSync(archive.path, "r");
    try {
      const from: ArchiveEnd = {
        kind: "archive",
        fd: 3,
        compression: archive.compression as "none" | "gzip" | "zstd",
      };
      const root = { path: volumeFiles(volume) };
      const to = {
        kind: "container",
        root,
        mounts: [],
        path: "/",
        shown: "/",
        container: volume.name,
      } as const;
      await runInside(ctx, "transfer", { from, to, name: "", overwrite: true }, { fds: [fd] });
    } finally {
      closeSync(fd);
    }
  } finally {
    archive.dispose();
  }
}
