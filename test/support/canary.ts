/** A directory no test may touch, read through or write to: attacks aim at it, then it is compared. */
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Canary {
  readonly directory: string;
  /** Random; must appear in no output. */
  readonly token: string;
  /** Throws if anything was added, removed, changed, linked or touched. */
  expectIntact(): void;
  remove(): void;
}

function snapshot(directory: string): string {
  const names = ["", ...readdirSync(directory, { recursive: true, encoding: "utf8" }).sort()];
  return names
    .map((name) => {
      const path = join(directory, name);
      const { mode, uid, gid, mtimeMs, ino, nlink } = lstatSync(path);
      const content = lstatSync(path).isFile() ? readFileSync(path, "utf8") : "";
      return [name, mode, uid, gid, mtimeMs, ino, nlink, content].join(" ");
    })
    .join("\n");
}

export function makeCanary(parent: string = tmpdir()): Canary {
  const directory = mkdtempSync(join(parent, "canary-"));
  const token = `canary-${crypto.randomUUID()}`;
  for (const name of ["secret", "f", "x"])
    writeFileSync(join(directory, name), `${token}\n`, { mode: 0o600 });
  const before = snapshot(directory);
  return {
    directory,
    token,
    expectIntact: () => {
      const now = snapshot(directory);
      if (now !== before)
        throw new Error(`THE HOST WAS CHANGED: ${directory}\nbefore:\n${before}\nnow:\n${now}`);
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
