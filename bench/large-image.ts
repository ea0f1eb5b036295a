/** A large image made of this machine's own programs and libraries. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, statSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Writes the layer and a docker-archive of it; about `megabytes` of files from /usr. */
export async function makeLargeImage(
  directory: string,
  megabytes: number,
): Promise<{ layer: string; archive: string }> {
  const layer = join(directory, "layer.tar");
  const archive = join(directory, "large.tar");
  const list = `find /usr/lib /usr/share /usr/bin -xdev -type f -readable -printf '%s %P\\0%p\\n'`;
  const choose = `awk -F'\\0' -v limit=${megabytes * 1e6} '{ split($1, head, " "); total += head[1]; if (total > limit) exit; print substr($2, 2) }'`;
  const tar = `tar -C / --owner=0 --group=0 --numeric-owner --hard-dereference -cf '${layer}' -T -`;
  const made = Bun.spawnSync(["sh", "-c", `${list} | ${choose} | ${tar}`]);
  if (!made.success) throw new Error(`cannot make the large image: ${made.stderr.toString()}`);
  const config = JSON.stringify({
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [`sha256:${await sha256(layer)}`] },
  });
  const stream = pack();
  const written = pipeline(stream, createWriteStream(archive));
  stream.entry({ name: "config.json" }, config);
  const manifest = [{ Config: "config.json", RepoTags: ["localhost/large:latest"], Layers: ["layer.tar"] }];
  stream.entry({ name: "manifest.json" }, JSON.stringify(manifest));
  await pipeline(createReadStream(layer), stream.entry({ name: "layer.tar", size: statSync(layer).size }));
  stream.finalize();
  await written;
  return { layer, archive };
}
