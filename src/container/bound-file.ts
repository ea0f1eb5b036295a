/** Files of kelp's that are bound into a running container: they are changed in place, since another file would not be seen there. */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { errnoCode } from "../base/index.ts";
import { containerDir } from "../host/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";

/** True if there was something to change. */
export function changeInPlace(
  ctx: Context,
  record: ContainerRecord,
  name: "hosts" | "resolv.conf",
  change: (text: string) => string,
): boolean {
  let fd: number;
  try {
    fd = openSync(join(containerDir(ctx.paths, record.id), name), "r+");
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return false; // --no-hosts, or removed meanwhile
    throw error;
  }
  try {
    const before = readFileSync(fd, "utf8");
    const after = change(before);
    if (after === before) return false;
    writeSync(fd, after, 0);
    ftruncateSync(fd, Buffer.byteLength(after));
    return true;
  } finally {
    closeSync(fd);
  }
}
