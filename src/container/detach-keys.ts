/** `ctrl-p,ctrl-q` as the bytes a terminal sends. */
import { UsageError } from "../base/index.ts";

/** Empty text: no sequence detaches. */
export function parseDetachKeys(text: string): Uint8Array {
  if (text === "") return new Uint8Array();
  return Uint8Array.from(text.split(",").map(parseKey));
}

function parseKey(key: string): number {
  const control = /^ctrl-([a-z@^[\\\]_])$/i.exec(key)?.[1];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
  if (key.length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
  throw new UsageError("invalid-detach-keys", `invalid detach keys: unknown character: '${key}'`, {
    hint: "Write single characters or ctrl-LETTER, separated by commas.",
  });
}
