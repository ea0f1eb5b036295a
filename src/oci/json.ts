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
  /** The keys of each object we are in; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let last = "";
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const word = match[0];
    if (word === "{") open.push(new Set());
    else if (word === "[") open.push(undefined);
    else if (word === "}" || word === "]") open.pop();
    if (open.length > MAX_DEPTH) return `it is nested more than ${MAX_DEPTH} deep`;
    if (word === ":" && isRepeated(open.at(-1), last))
      return `the key ${last.slice(0, 80)} appears twice in one object`;
    last = word;
  }
  return undefined;
}

/** Adds the key to its object; true if it was there. */
function isRepeated(keys: Set<string> | undefined, word: string): boolean {
  if (keys === undefined || !word.startsWith('"')) return false;
  const key = unescapeKey(word);
  if (keys.has(key)) return true;
  keys.add(key);
  return false;
}

function unescapeKey(word: string): string {
  if (!word.includes("\\")) return word.slice(1, -1);
  try {
    return JSON.parse(word) as string;
  } catch {
    return word;
  }
}
