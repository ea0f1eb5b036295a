/**
 * JSON from strangers: bounded in size and depth, and free of repeated keys, so that what
 * one reader verified is what every other reader sees.
 */
import { StorageError } from "../base/index.ts";

const MAX_DEPTH = 64;

/**
 * @param what names the document in messages (`manifest of busybox`).
 * @throws {StorageError} `document-invalid` or `document-too-large`
 */
export function parseStrictJson(bytes: Uint8Array, what: string, maxBytes: number): unknown {
  if (bytes.length > maxBytes) {
    throw new StorageError(
      "document-too-large",
      `cannot read ${what}: ${bytes.length} bytes, the limit is ${maxBytes}`,
    );
  }
  const text = decode(bytes, what);
  const fault = findFault(text);
  if (fault !== undefined) throw invalidDocument(what, fault);
  try {
    return JSON.parse(text);
  } catch {
    throw invalidDocument(what, "it is not valid JSON");
  }
}

export function invalidDocument(what: string, reason: string): StorageError {
  return new StorageError("document-invalid", `cannot read ${what}: ${reason}`);
}

function decode(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidDocument(what, "it is not UTF-8");
  }
}

/** Looks for what JSON.parse lets pass: deep nesting and keys said twice. Grammar is left to JSON.parse. */
function findFault(text: string): string | undefined {
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/gs;
  const objects: (Set<string> | undefined)[] = [];
  let pending: string | undefined;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const word = match[0];
    if (word === "{" || word === "[") {
      if (objects.length >= MAX_DEPTH) return `it is nested more than ${MAX_DEPTH} deep`;
      objects.push(word === "{" ? new Set() : undefined);
      pending = undefined;
    } else if (word === "}" || word === "]") {
      objects.pop();
      pending = undefined;
    } else if (word === ":") {
      const keys = objects.at(-1);
      const key = pending === undefined ? undefined : unescapeKey(pending);
      if (keys !== undefined && key !== undefined) {
        if (keys.has(key)) return `the key ${JSON.stringify(key.slice(0, 80))} appears twice in one object`;
        keys.add(key);
      }
      pending = undefined;
    } else {
      pending = word === "," ? undefined : word;
    }
  }
  return undefined;
}

function unescapeKey(word: string): string {
  if (!word.includes("\\")) return word.slice(1, -1);
  try {
    return JSON.parse(word) as string;
  } catch {
    return word;
  }
}
