/** Runs storage's jobs in a user namespace made by unshare(1), so that their tests need neither holdfast nor a container. */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { type KelpError, StorageError } from "../../src/base/index.ts";
import type { RunInside } from "../../src/storage/index.ts";

const ENTRY = join(import.meta.dirname, "storage-job.ts");

/** As many ids as this user has; one where there are no subordinate ids. */
export function namespaceFlags(): readonly string[] {
  const full = ["--user", "--map-root-user", "--map-auto"];
  return spawnSync("unshare", [...full, "true"]).status === 0 ? full : ["--user", "--map-root-user"];
}

export const runUnshared: RunInside = (job, input) =>
  new Promise((resolve, reject) => {
    const argv = [...namespaceFlags(), process.execPath, ENTRY, job];
    const child = spawn("unshare", argv, { stdio: ["pipe", "pipe", "inherit"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stdout.on("end", () => {
      const reply = JSON.parse(
        Buffer.concat(chunks).toString("utf8") || '{"error":{"code":"none","message":"no reply"}}',
      );
      if ("error" in reply) reject(asError(reply.error));
      else resolve(reply.output);
    });
    child.stdin.end(JSON.stringify({ input }));
  });

function asError(error: { code: string; message: string }): KelpError {
  return new StorageError(error.code, error.message);
}

/** Runs a shell command in the same kind of namespace and returns its output. */
export function shellUnshared(script: string): string {
  const result = spawnSync("unshare", [...namespaceFlags(), "sh", "-c", script], { encoding: "utf8" });
  return result.stdout + result.stderr;
}
