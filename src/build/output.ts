/** --output: what a build gives besides, or instead of, an image in the store. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "../base/index.ts";
import { type StoredImage, saveImages } from "../image/index.ts";
import { runInside } from "../runtime/index.ts";
import { rootfsIn } from "../storage/index.ts";
import type { Session } from "./session.ts";
import type { StageState } from "./stage-state.ts";
import { copyFrom, PLAIN_COPY } from "./steps/source-root.ts";

export interface BuildOutput {
  readonly type: "local" | "tar" | "oci" | "docker";
  /** A path; `-` is standard output. */
  readonly destination: string;
}

/**
 * `type=local|tar|oci|docker,dest=PATH`, or a directory alone; `-` alone is a tar on standard output.
 *
 * @throws {UsageError} `output-invalid`
 */
export function parseOutput(text: string): BuildOutput {
  const invalid = (reason: string) =>
    new UsageError("output-invalid", `invalid output ${JSON.stringify(text)}: ${reason}`, {
      hint: "write type=local,dest=DIR or type=tar,dest=FILE",
    });
  if (text === "-") return { type: "tar", destination: "-" };
  if (!text.includes("=")) return { type: "local", destination: text };
  const fields = new Map(
    text.split(",").map((field) => {
      const equals = field.indexOf("=");
      if (equals < 0) throw invalid(`${JSON.stringify(field)} is not KEY=VALUE`);
      return [field.slice(0, equals), field.slice(equals + 1)] as const;
    }),
  );
  for (const key of fields.keys())
    if (key !== "type" && key !== "dest") throw invalid(`unknown key ${JSON.stringify(key)}`);
  const type = fields.get("type") ?? "local";
  const destination = fields.get("dest") ?? (type === "local" ? "" : "-");
  if (type !== "local" && type !== "tar" && type !== "oci" && type !== "docker")
    throw invalid(`unknown type ${JSON.stringify(type)}`);
  if (destination === "" || (destination === "-" && type === "local")) throw invalid("it needs dest=PATH");
  return { type, destination };
}

/** Files of the last stage, for the two types that make no image. */
export async function exportFiles(session: Session, state: StageState, output: BuildOutput): Promise<void> {
  const rows = state.layers.map((layer) => layer.record.row);
  const path = resolve(
    session.request.cwd,
    output.destination,
    session.shownPlatform?.replaceAll("/", "_") ?? "",
  );
  if (output.type === "tar") return exportTar(session, rows, output.destination === "-" ? undefined : path);
  mkdirSync(path, { recursive: true });
  const request = {
    ...PLAIN_COPY,
    patterns: ["/"],
    ignore: [],
    owners: false,
    destination: "/",
    intoDirectory: true,
  };
  await session.scratch((dir) =>
    copyFrom(session, { kind: "layers", rows, chain: "" }, { path }, request, dir),
  );
}

async function exportTar(session: Session, rows: readonly number[], path: string | undefined): Promise<void> {
  const { ctx, driver, run } = session;
  const fd = path === undefined ? 1 : openSync(path, "w", 0o644);
  try {
    await session.scratch(async (dir) => {
      const rootfs = await rootfsIn(ctx, driver, rows, dir, run);
      const input = { path: rootfs.merged, fd: 3, name: "the files of the build" };
      await runInside(ctx, "archive-tree", input, { fds: [fd], views: [{ rootfs, writable: false }] });
    });
  } finally {
    if (fd !== 1) closeSync(fd);
  }
}

/** The image as an archive. */
export async function exportImage(session: Session, image: StoredImage, output: BuildOutput): Promise<void> {
  const { ctx, request } = session;
  const format = output.type === "oci" ? "oci-archive" : "docker-archive";
  const names = [image.record.id];
  if (output.destination === "-") await saveImages(ctx, names, { format, sink: request.write });
  else await saveImages(ctx, names, { format, output: resolve(request.cwd, output.destination) });
}
