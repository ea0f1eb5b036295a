/** Images of many sizes for the measurements of pull, load, save and commit, made of this machine's own files. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Layer {
  /** gzip, as registries have them. */
  readonly path: string;
  readonly diffId: string;
}

export interface BenchImage {
  readonly name: string;
  /** docker-archive. */
  readonly archive: string;
  readonly layers: readonly Layer[];
}

function sh(script: string): string {
  const { success, stdout, stderr } = Bun.spawnSync(["bash", "-o", "pipefail", "-c", script]);
  if (!success) throw new Error(`${script}: ${stderr}`);
  return stdout.toString().trim();
}

/** Sorted by name, so that a layer holds files that lie together; each file is used once. */
function* systemFiles(): Generator<{ path: string; size: number }> {
  const list = "find /usr/lib /usr/share /usr/bin -xdev -type f -readable -printf '%s %p\\n' | sort -k2";
  for (const line of sh(list).split("\n")) {
    const space = line.indexOf(" ");
    yield { path: line.slice(space + 1), size: Number(line.slice(0, space)) };
  }
}

/** Makes gzipped layers one after the other from the machine's files. */
export class LayerMaker {
  readonly #directory: string;
  readonly #files = systemFiles();
  #count = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** About `bytes` of files, none larger than `largest`. */
  make(bytes: number, largest: number): Layer {
    const names: string[] = [];
    for (let total = 0; total < bytes; ) {
      const { value, done } = this.#files.next();
      if (done === true) throw new Error("this machine has too few files in /usr for the images");
      if (value.size > Math.min(largest, (bytes - total) * 2)) continue;
      names.push(value.path);
      total += value.size;
    }
    const tar = join(this.#directory, `layer${this.#count++}.tar`);
    writeFileSync(`${tar}.list`, names.join("\0"));
    sh(
      `tar --null -T '${tar}.list' --owner=0 --group=0 --numeric-owner --hard-dereference -P --transform 's,^/,,' -cf '${tar}'`,
    );
    const diffId = `sha256:${sh(`sha256sum < '${tar}'`).slice(0, 64)}`;
    sh(`gzip -6 '${tar}'; rm '${tar}.list'`);
    return { path: `${tar}.gz`, diffId };
  }
}

/** Puts layers into an archive that `load` takes. */
export function archiveImage(directory: string, name: string, layers: readonly Layer[]): BenchImage {
  const archive = join(directory, `${name}.docker.tar`);
  const parts = layers.map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
  writeDocuments(directory, [
    { tag: `localhost/${name}:latest`, parts, diffIds: layers.map(({ diffId }) => diffId) },
  ]);
  sh(`tar -C '${directory}' -cf '${archive}' manifest.json config0.json ${parts.join(" ")}`);
  return { name, archive, layers };
}

/** One archive with `count` images that differ in their config only. */
export function archiveManyImages(directory: string, layer: Layer, count: number): string {
  const archive = join(directory, "many.docker.tar");
  const part = layer.path.slice(layer.path.lastIndexOf("/") + 1);
  const images = Array.from({ length: count }, (_, number) => ({
    tag: `localhost/many${number}:latest`,
    parts: [part],
    diffIds: [layer.diffId],
  }));
  const configs = writeDocuments(directory, images);
  sh(`tar -C '${directory}' -cf '${archive}' manifest.json ${configs.join(" ")} ${part}`);
  return archive;
}

interface Documented {
  readonly tag: string;
  readonly parts: readonly string[];
  readonly diffIds: readonly string[];
}

function writeDocuments(directory: string, images: readonly Documented[]): string[] {
  const manifest = images.map(({ tag, parts }, number) => ({
    Config: `config${number}.json`,
    RepoTags: [tag],
    Layers: parts,
  }));
  for (const [number, { tag, diffIds }] of images.entries()) {
    const config = {
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config: { Labels: { name: tag } },
      rootfs: { type: "layers", diff_ids: diffIds },
    };
    writeFileSync(join(directory, `config${number}.json`), JSON.stringify(config));
  }
  writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
  return manifest.map(({ Config }) => Config);
}

/** A plain tar of `count` small files, for a container to unpack. */
export function manySmallFiles(directory: string, count: number): string {
  const tree = join(directory, "small");
  const seed = createHash("sha256").update("small files").digest();
  const text = readFileSync("/proc/self/exe").subarray(0, 1 << 20);
  for (let number = 0; number < count; number++) {
    if (number % 100 === 0) mkdirSync(join(tree, `d${number / 100}`), { recursive: true });
    const size = 200 + (((seed[number % 32] as number) * (number % 61)) % 15_000);
    const from = (number * 97) % (text.length - size);
    writeFileSync(join(tree, `d${Math.floor(number / 100)}`, `f${number}`), text.subarray(from, from + size));
  }
  const tar = join(directory, "small.tar");
  sh(`tar -C '${tree}' --owner=0 --group=0 --numeric-owner -cf '${tar}' .`);
  rmSync(tree, { recursive: true });
  if (statSync(tar).size === 0) throw new Error("no small files");
  return tar;
}
