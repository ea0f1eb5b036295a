/** An arm64 Debian in QEMU that runs shell scripts with kelp, one after the other, and turns itself off: kelp built for it here. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../support/index.ts";
import { CACHE, keep, workDirectory } from "./cache.ts";
import { makeDisk } from "./disks.ts";
import { GUEST, hashOf, mmdebstrap } from "./image.ts";

const PACKAGES = [
  ...["linux-image-cloud-arm64", "busybox-static", "dash", "tar", "coreutils", "findutils", "util-linux"],
  ...["mount", "kmod", "iproute2", "procps", "curl", "nftables", "uidmap", "slirp4netns", "crun"],
  ...["libstdc++6", "libseccomp2"],
];
/** Its packages are unpacked and not installed: their scripts are programs of the other machine. */
const OPTIONS = ["--arch=arm64", "--variant=extract", "--format=null", `--include=${PACKAGES.join(",")}`];
const PAYLOAD_BYTES = 256 << 20;
/** An emulated machine on a busy one. */
const RUN_MS = 15 * 60_000;

export interface Outcome {
  readonly code: number;
  /** What it wrote, both streams. */
  readonly output: string;
}

/** Runs the scripts as an ordinary user, in their order, in one life of the machine. @returns their outcomes, as far as it came */
export async function runOnArm64(scripts: readonly string[]): Promise<readonly Outcome[]> {
  await ok(["node", "scripts/build.mjs", "--progress", "--arch", "arm64"]);
  const image = await arm64Image();
  const directory = workDirectory();
  try {
    const payload = join(directory, "payload.ext4");
    payloadDisk(directory, payload, scripts);
    const console = join(directory, "console");
    await ok(qemuCommand(image, payload, console), RUN_MS);
    return outcomes(readFileSync(console, "latin1"));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function payloadDisk(directory: string, file: string, scripts: readonly string[]): void {
  const content = join(directory, "payload");
  mkdirSync(content);
  copyFileSync(join(ROOT, "dist", "arm64", "kelp"), join(content, "kelp"));
  chmodSync(join(content, "kelp"), 0o755);
  const cases = scripts.map((script) => `echo @@begin\n(cd; set -e; ${script}\n)\necho "@@end $?"\n`);
  writeFileSync(join(content, "cases.sh"), cases.join(""));
  makeDisk(file, PAYLOAD_BYTES, "payload", content);
}

function outcomes(console: string): Outcome[] {
  const found = console.replaceAll("\r", "").matchAll(/^@@begin\n([\s\S]*?)^@@end (\d+)$/gm);
  return [...found].map(([, output = "", code]) => ({ code: Number(code), output }));
}

interface Arm64Image {
  readonly root: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** Kept as long as its recipe stays the same. @throws {NoPackages} */
export async function arm64Image(): Promise<Arm64Image> {
  const name = `arm64-${hashOf(OPTIONS, ["make-arm64.sh", "arm64-init.sh"])}`;
  const directory = join(CACHE, name);
  if (!existsSync(directory)) await build(name);
  return {
    root: join(directory, "root.ext4"),
    kernel: join(directory, "vmlinuz"),
    initrd: join(directory, "initrd"),
  };
}

async function build(name: string): Promise<void> {
  const temporary = workDirectory();
  try {
    const hook = `--extract-hook=sh ${join(GUEST, "make-arm64.sh")} "$1" ${temporary}`;
    await mmdebstrap([...OPTIONS, hook, "bookworm"]);
    keep(temporary, CACHE, name, /^arm64-/);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function qemuCommand({ root, kernel, initrd }: Arm64Image, payload: string, console: string): string[] {
  const drive = (...words: string[]) => ["-drive", `if=virtio,format=raw,${words.join(",")}`];
  return [
    "qemu-system-aarch64",
    ...["-M", "virt", "-cpu", "max,pauth-impdef=on", "-accel", "tcg,thread=multi", "-smp", "2", "-m", "1536"],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", `file:${console}`],
    ...["-kernel", kernel, "-initrd", initrd, "-append", "console=ttyAMA0 quiet loglevel=0 panic=1"],
    ...drive(`file=${root}`, "snapshot=on", "cache=unsafe"),
    ...drive(`file=${payload}`, "read-only=on"),
  ];
}

async function ok(command: readonly string[], timeout?: number): Promise<void> {
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    ...(timeout === undefined ? {} : { timeout }),
  });
  const errors = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`${command[0]} failed: ${errors}`);
}
