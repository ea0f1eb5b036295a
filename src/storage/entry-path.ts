/** Names inside archives: checked as byte strings once, turned into paths the system takes once. */
import { archiveError } from "./tar/header.ts";

/** Linux allows 255 bytes a component and 4095 a path; some are left for the directory of the layer itself. */
const MAX_COMPONENT = 255;
const MAX_PATH = 3800;

/**
 * The components of an entry's name, without empty ones and `.`; none at all for the root. A leading slash
 * means the archive's root, as it does for tar: some builders write such names.
 *
 * @throws {StorageError} for a name that is empty, too long, has a NUL or a `..`
 */
export function entryComponents(name: string, shown = name): string[] {
  if (name === "") throw archiveError("its name is empty", shown);
  if (name.includes("\0")) throw archiveError("its name has a NUL inside", shown);
  if (name.length > MAX_PATH)
    throw archiveError(`its name has ${name.length} bytes, the limit is ${MAX_PATH}`, shown);
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  for (const part of parts) {
    if (part === "..") throw archiveError("its name leads out of the archive with ..", shown);
    if (part.length > MAX_COMPONENT)
      throw archiveError(`a part of its name has ${part.length} bytes, the limit is 255`, shown);
  }
  return parts;
}

const ASCII = /^[\x20-\x7e]*$/;

/** What node:fs takes: text where the bytes are UTF-8, the bytes themselves otherwise. */
export function fsPath(root: string, name: string): string | Buffer {
  if (ASCII.test(name)) return `${root}/${name}`;
  const bytes = Buffer.from(name, "latin1");
  try {
    return `${root}/${new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)}`;
  } catch {
    return Buffer.concat([Buffer.from(`${root}/`), bytes]);
  }
}
