/** The images tests run: busybox of the machine, made once per run into the cache directory. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { cacheDirectory } from "./environment.ts";

/** The name `busyboxArchive` loads as. */
export const BUSYBOX = "localhost/busybox:latest";

export interface TarFile {
  name: string;
  /** Text or bytes of a file; undefined: a directory; `{link}`: a symlink. */
  content?: string | Uint8Array | { link: string };
  mode?: number;
  uid?: number;
  gid?: number;
}

/** A well-formed tar of files, directories and symlinks, with no time in it. */
export function makeTar(files: readonly TarFile[]): Promise<Buffer> {
  const stream = pack();
  for (const { name, content, mode, uid = 0, gid = 0 } of files) {
    const header = { name, uid, gid, mtime: new Date(0) };
    if (content === undefined) stream.entry({ ...header, type: "directory", mode: mode ?? 0o755 });
    else if (typeof content === "string" || content instanceof Uint8Array) {
      stream.entry({ ...header, type: "file", mode: mode ?? 0o644 }, Buffer.from(content as string));
    } else stream.entry({ ...header, type: "symlink", linkname: content.link, mode: 0o777 });
  }
  stream.finalize();
  return buffer(stream);
}

function busyboxProgram(): string {
  const candidates = ["/bin/busybox", "/usr/bin/busybox"];
  const found = candidates.find(existsSync);
  if (found === undefined) throw new Error("busybox is not installed: apt-get install busybox-static");
  return found;
}

function applets(program: string): string[] {
  const list = Bun.spawnSync([program, "--list"]).stdout.toString();
  return list.split("\n").filter((name) => name !== "" && name !== "busybox");
}

/** The files of a small system: busybox, its applets as symlinks, users, groups, the usual directories. */
export function busyboxFiles(): TarFile[] {
  const program = busyboxProgram();
  return [
    ...["bin", "dev", "etc", "home", "proc", "root", "sys", "usr", "var"].map((name) => ({ name })),
    { name: "tmp", mode: 0o1777 },
    { name: "bin/busybox", content: readFileSync(program), mode: 0o755 },
    ...applets(program).map((name) => ({ name: `bin/${name}`, content: { link: "busybox" } })),
    {
      name: "etc/passwd",
      content:
        "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    },
    { name: "etc/group", content: "root:x:0:\nuser:x:1000:\nextra:x:2000:user\nnogroup:x:65534:\n" },
  ];
}

function makeOnce(name: string, make: (temporary: string) => void | Promise<void>): Promise<string> {
  const path = join(cacheDirectory(), name);
  if (existsSync(path)) return Promise.resolve(path);
  const temporary = `${path}.${process.pid}`;
  return Promise.resolve(make(temporary)).then(() => {
    // Another test file may have been faster: a directory in the way cannot be replaced, and is as good.
    if (existsSync(path)) rmSync(temporary, { recursive: true, force: true });
    else renameSync(temporary, path);
    return path;
  });
}

export interface ImageOptions {
  config?: Readonly<Record<string, unknown>>;
  tags?: readonly string[];
}

/** A docker-archive with the given layers (each an uncompressed tar), base first. */
export async function dockerArchive(layers: readonly Buffer[], options: ImageOptions = {}): Promise<Buffer> {
  const digest = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      created: "2020-01-01T00:00:00Z",
      config: { Env: ["PATH=/bin"], Cmd: ["/bin/sh"], ...options.config },
      rootfs: { type: "layers", diff_ids: layers.map((layer) => `sha256:${digest(layer)}`) },
      history: layers.map((_, index) => ({
        created: "2020-01-01T00:00:00Z",
        created_by: `layer ${index + 1}`,
      })),
    }),
  );
  const layerNames = layers.map((layer) => `${digest(layer)}/layer.tar`);
  const configName = `${digest(config)}.json`;
  const manifest = [{ Config: configName, RepoTags: options.tags ?? [BUSYBOX], Layers: layerNames }];
  return makeTar([
    { name: configName, content: config },
    ...layers.map((layer, index) => ({ name: layerNames[index] ?? "", content: layer })),
    { name: "manifest.json", content: JSON.stringify(manifest) },
  ]);
}

/** The path of a docker-archive that loads as BUSYBOX. */
export function busyboxArchive(): Promise<string> {
  return makeOnce("busybox.tar", async (temporary) => {
    writeFileSync(temporary, await dockerArchive([await makeTar(busyboxFiles())]));
  });
}

/** The path of a tar of a small Debian with apt, made from Debian's packages. */
export function debianArchive(): Promise<string> {
  return makeOnce("debian.tar", (temporary) => {
    const source = "deb http://deb.debian.org/debian bookworm main";
    const words = [
      "mmdebstrap",
      "--mode=unshare",
      "--variant=apt",
      "--format=tar",
      "bookworm",
      temporary,
      source,
    ];
    // It works as another user, who must be able to reach its scratch.
    const env = { ...process.env, TMPDIR: "/tmp" };
    const made = Bun.spawnSync(words, { stderr: "pipe", env });
    if (!made.success) throw new Error(`mmdebstrap: ${made.stderr}`);
  });
}

/** The path of an unpacked busybox root file system, for --rootfs; not to be written to. */
export function busyboxRootfs(): Promise<string> {
  return makeOnce("rootfs", (temporary) => {
    for (const { name, content, mode } of busyboxFiles()) {
      const path = join(temporary, name);
      if (content === undefined) mkdirSync(path, { recursive: true, mode: mode ?? 0o755 });
      else if (typeof content === "string" || content instanceof Uint8Array)
        writeFileSync(path, content, { mode: mode ?? 0o644 });
      else symlinkSync(content.link, path);
    }
  });
}
