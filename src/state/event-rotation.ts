/** Shortening the log of events: its newer half stays. */
import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { loadLibc } from "../host/index.ts";
import { eventLine, eventTime } from "./events.ts";

/**
 * Puts a file in the log's place that has its newer half, between two lines that say so. Monitors append under a shared
 * lock of the file, which is why it is taken alone here; kelp looks again after appending.
 */
export function rotateEvents(path: string, maxBytes: number): void {
  const fd = openSync(path, "r+");
  try {
    if (!loadLibc().flock(fd, "exclusive", true)) return; // somebody else is doing it
    const { ino, size } = fstatSync(fd);
    if (size <= maxBytes || statSync(path, { throwIfNoEntry: false })?.ino !== ino) return;
    const temporary = `${path}.new`;
    writeFileSync(temporary, shortened(path, readFileSync(fd, "utf8")), { mode: 0o600 });
    renameSync(temporary, path);
  } finally {
    closeSync(fd);
  }
}

function shortened(path: string, text: string): string {
  const lines = text.split("\n").filter((line) => line !== "");
  const last = lines.pop();
  const kept = lines.slice(Math.floor(lines.length / 2) + 1);
  return [marker(path, "begin"), ...kept, marker(path, "end"), last].map((line) => `${line}\n`).join("");
}

function marker(name: string, edge: "begin" | "end"): string {
  const attributes = { "io.podman.event.rotate": edge };
  return eventLine({ type: "system", status: "log-rotation", name, attributes }, eventTime());
}
