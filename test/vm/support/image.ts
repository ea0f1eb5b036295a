/** The guest's root disk, kernel and initrd: a Debian made once and kept as long as its recipe stays the same. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { alone, CACHE, keep, workDirectory } from "./cache.ts";

export const GUEST = join(import.meta.dirname, "..", "guest");
const SUITE = "bookworm";
const PACKAGES = [
  ...["linux-image-cloud-amd64", "initramfs-tools", "systemd", "systemd-sysv"],
  ...["dbus", "dbus-user-session", "libpam-systemd", "login", "passwd"],
  ...["uidmap", "slirp4netns", "passt", "aardvark-dns", "fuse-overlayfs", "busybox-static", "procps", "sudo"],
];

const OPTIONS = [
  ...["--variant=apt", "--format=null", `--include=${PACKAGES.join(",")}`],
  // Half a disk image is thrown away: there is nothing to be synced for.
  "--dpkgopt=force-unsafe-io",
  ...["doc", "man", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
];

export interface GuestImage {
  readonly root: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** Debian's mirror does not answer: nothing that we could mend. */
export class NoPackages extends Error {}

/** Takes a minute where it is not there yet: mmdebstrap fetches Debian's packages. */
export async function guestImage(): Promise<GuestImage> {
  const name = hashOf([SUITE, ...OPTIONS], ["agent.service", "initrd.sh", "make-root.sh"]);
  const directory = join(CACHE, name);
  await alone(async () => {
    if (!existsSync(directory)) await build(name);
  });
  return {
    root: join(directory, "root.ext4"),
    kernel: join(directory, "vmlinuz"),
    initrd: join(directory, "initrd"),
  };
}

/** Changes with everything a disk is made from; Debian's own updates come with a new recipe. @param files of guest/ */
export function hashOf(options: readonly string[], files: readonly string[]): string {
  const hash = createHash("sha256").update(options.join(" "));
  for (const name of files) hash.update(readFileSync(join(GUEST, name)));
  return hash.digest("hex").slice(0, 16);
}

async function build(name: string): Promise<void> {
  const temporary = workDirectory();
  try {
    await mmdebstrap([
      ...OPTIONS,
      `--customize-hook=sh ${join(GUEST, "make-root.sh")} "$1" ${temporary}`,
      SUITE,
    ]);
    keep(temporary, CACHE, name, /^[0-9a-f]{16}$/);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * Not with --quiet, under which it does not say why it fails.
 *
 * @throws {NoPackages}
 */
export async function mmdebstrap(words: readonly string[]): Promise<void> {
  const child = Bun.spawn(["sh", "-c", 'exec mmdebstrap "$@" 2>&1', "sh", ...words], { stdout: "pipe" });
  const said = await new Response(child.stdout).text();
  if ((await child.exited) === 0) return;
  const [, unreachable] = /^E: (Failed to fetch .*)$/m.exec(said) ?? [];
  if (unreachable !== undefined) throw new NoPackages(`the image cannot be made: ${unreachable}`);
  throw new Error(`mmdebstrap failed: ${said.slice(-4000)}`);
}
