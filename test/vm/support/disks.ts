/** The two other disks: what is tested (read-only), and the home directories. */
import { chmodSync, copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxArchive, KELP } from "../../support/index.ts";

const PAYLOAD_BYTES = 256 << 20;
/** Small enough to be filled, large enough for everything else. */
export const HOME_BYTES = 1536 << 20;

/** kelp, the image that tests run and the guest's agent, as /opt/kelp. */
export async function payloadDisk(file: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "kelp-payload-"));
  try {
    copyFileSync(KELP, join(directory, "kelp"));
    chmodSync(join(directory, "kelp"), 0o755);
    copyFileSync(await busyboxArchive(), join(directory, "busybox.tar"));
    copyFileSync(join(import.meta.dirname, "..", "guest", "agent.sh"), join(directory, "agent.sh"));
    makeDisk(file, PAYLOAD_BYTES, "payload", directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Empty homes of the guest's users. */
export function homeDisk(file: string): void {
  const directory = mkdtempSync(join(tmpdir(), "kelp-homes-"));
  try {
    makeDisk(file, HOME_BYTES, "home", directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export function makeDisk(file: string, bytes: number, label: string, content: string): void {
  writeFileSync(file, "");
  truncateSync(file, bytes);
  const made = Bun.spawnSync(["mke2fs", "-q", "-t", "ext4", "-L", label, "-d", content, file], {
    stderr: "pipe",
  });
  if (!made.success) throw new Error(`mke2fs failed: ${made.stderr}`);
}

/** Holes stay holes. */
export function copyDisk(from: string, to: string): void {
  const copied = Bun.spawnSync(["cp", "--sparse=always", "--reflink=auto", from, to], { stderr: "pipe" });
  if (!copied.success) throw new Error(`cp failed: ${copied.stderr}`);
}
