/**
 * Packs the static program `hello` into an OCI image and that into an oci-archive tar.
 *
 *   bun scripts/hello-image.ts PROGRAM OUTPUT ARCH     ARCH: x64 or arm64
 *
 * Equal input gives equal bytes: every time stamp is zero, every key has a fixed place.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";

const MEDIA = "application/vnd.oci.image";
const EPOCH = "1970-01-01T00:00:00Z";

interface Entry {
  name: string;
  data: Buffer | undefined;
  mode?: number;
}

function tar(entries: readonly Entry[]): Promise<Buffer> {
  const stream = pack();
  for (const { name, data, mode } of entries) {
    const header = { name, mtime: new Date(0), uid: 0, gid: 0 };
    if (data === undefined) stream.entry({ ...header, type: "directory", mode: mode ?? 0o755 });
    else stream.entry({ ...header, type: "file", mode: mode ?? 0o644, size: data.length }, data);
  }
  stream.finalize();
  return buffer(stream);
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Collects blobs under their digests and gives their descriptors. */
class Blobs {
  readonly entries: Entry[] = [];

  add(mediaType: string, data: Buffer): { mediaType: string; digest: string; size: number } {
    const hex = createHash("sha256").update(data).digest("hex");
    this.entries.push({ name: `blobs/sha256/${hex}`, data });
    return { mediaType, digest: `sha256:${hex}`, size: data.length };
  }
}

async function helloArchive(program: Buffer, architecture: string): Promise<Buffer> {
  const blobs = new Blobs();
  const layer = await tar([
    ...["dev", "etc", "proc", "sys", "tmp"].map((name) => ({
      name,
      data: undefined,
      mode: name === "tmp" ? 0o1777 : 0o755,
    })),
    { name: "etc/passwd", data: Buffer.from("root:x:0:0:root:/:/hello\n") },
    { name: "etc/group", data: Buffer.from("root:x:0:\n") },
    { name: "hello", data: program, mode: 0o755 },
  ]);
  const layerDescriptor = blobs.add(`${MEDIA}.layer.v1.tar`, layer);
  const config = blobs.add(
    `${MEDIA}.config.v1+json`,
    json({
      created: EPOCH,
      architecture,
      os: "linux",
      config: { Env: ["PATH=/"], Cmd: ["/hello"], WorkingDir: "/" },
      rootfs: { type: "layers", diff_ids: [layerDescriptor.digest] },
      history: [{ created: EPOCH, created_by: "kelp build: hello", comment: "carried inside kelp" }],
    }),
  );
  const manifest = blobs.add(
    `${MEDIA}.manifest.v1+json`,
    json({ schemaVersion: 2, mediaType: `${MEDIA}.manifest.v1+json`, config, layers: [layerDescriptor] }),
  );
  const named = {
    ...manifest,
    annotations: { "org.opencontainers.image.ref.name": "localhost/hello:latest" },
  };
  return tar([
    { name: "oci-layout", data: json({ imageLayoutVersion: "1.0.0" }) },
    {
      name: "index.json",
      data: json({ schemaVersion: 2, mediaType: `${MEDIA}.index.v1+json`, manifests: [named] }),
    },
    { name: "blobs", data: undefined },
    { name: "blobs/sha256", data: undefined },
    ...blobs.entries,
  ]);
}

const [program, output, arch] = process.argv.slice(2);
if (program === undefined || output === undefined || arch === undefined)
  throw new Error("usage: hello-image.ts PROGRAM OUTPUT ARCH");
const architecture = arch === "x64" ? "amd64" : arch;
writeFileSync(output, await helloArchive(readFileSync(program), architecture));
