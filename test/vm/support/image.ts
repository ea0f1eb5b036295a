/** The guest's root disk, kernel and initrd: a Debian made once and kept as long as its recipe stays the same. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const GUEST = join(import.meta.dirname, "..", "guest");
const SUITE = "bookworm";
const PACKAGES = [
  ...["linux-image-cloud-amd64", "initramfs-tools", "systemd", "systemd-sysv"],
  ...["dbus", "dbus-user-session", "libpam-systemd", "login", "passwd"],
  ...["uidmap", "slirp4netns", "fuse-overlayfs", "busybox-static", "procps"],
];

const OPTIONS = [
  ...["--quiet", "--variant=apt", "--format=null", `--include=${PACKAGES.join(",")}`],
  // Half a disk image is thrown away: there is nothing to be synced for.
  "--dpkgopt=force-unsafe-io",
  ...["doc", "man", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
];

export interface GuestImage {
  readonly root: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** Takes a minute where it is not there yet: mmdebstrap fetches Debian's packages. */
export async function guestImage(): Promise<GuestImage> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "kelp-test-vm");
  const directory = join(cache, recipeHash());
  if (!existsSync(directory)) await build(cache, directory);
  return {
    root: join(directory, "root.ext4"),
    kernel: join(directory, "vmlinuz"),
    initrd: join(directory, "initrd"),
  };
}

/** Changes with everything the disk is made from; Debian's own updates come with a new recipe. */
function recipeHash(): string {
  const hash = createHash("sha256").update(`${SUITE} ${OPTIONS.join(" ")}`);
  for (const name of ["agent.service", "make-root.sh"]) hash.update(readFileSync(join(GUEST, name)));
  return hash.digest("hex").slice(0, 16);
}

async function build(cache: string, directory: string): Promise<void> {
  mkdirSync(cache, { recursive: true, mode: 0o755 });
  const temporary = mkdtempSync(join(cache, "making-"));
  try {
    const child = Bun.spawn(
      [
        "mmdebstrap",
        ...OPTIONS,
        `--customize-hook=sh ${join(GUEST, "make-root.sh")} "$1" ${temporary}`,
        SUITE,
      ],
      { stdout: "ignore", stderr: "pipe" },
    );
    const errors = await new Response(child.stderr).text();
    if ((await child.exited) !== 0) throw new Error(`mmdebstrap failed: ${errors}`);
    // Who was faster has made the same; older recipes are of no use any more.
    if (!existsSync(directory)) renameSync(temporary, directory);
    for (const name of readdirSync(cache))
      if (/^[0-9a-f]{16}$/.test(name) && join(cache, name) !== directory)
        rmSync(join(cache, name), { recursive: true });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
