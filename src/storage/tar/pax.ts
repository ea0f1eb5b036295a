/** PAX extended headers: records `LENGTH KEY=VALUE\n`, lengths in bytes and including themselves. */
import { archiveError } from "./header.ts";

/** Values are byte strings (latin1). */
export type PaxRecords = Map<string, string>;

const REPEATABLE = new Set(["GNU.sparse.offset", "GNU.sparse.numbytes"]);

/**
 * @throws {StorageError} on a record that does not fit its length, on a key said twice (readers
 * disagree about which one counts) and on a NUL where a name is meant.
 */
export function parsePax(body: Buffer): PaxRecords {
  const records: PaxRecords = new Map();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(32, at);
    const digits = space < 0 ? "" : body.toString("latin1", at, space);
    if (!/^[1-9][0-9]{0,8}$/.test(digits)) throw archiveError("a PAX record has no valid length");
    const end = at + Number(digits);
    const equals = body.indexOf(61, space + 1);
    if (end > body.length || body[end - 1] !== 10 || equals < 0 || equals >= end) {
      throw archiveError("a PAX record does not match its length");
    }
    const key = body.toString("latin1", space + 1, equals);
    addRecord(records, key, body.toString("latin1", equals + 1, end - 1));
    at = end;
  }
  return records;
}

function addRecord(records: PaxRecords, key: string, value: string): void {
  if (key === "" || key.includes("\0")) throw archiveError("a PAX record has an invalid key");
  if ((key === "path" || key === "linkpath" || key === "GNU.sparse.name") && value.includes("\0")) {
    throw archiveError("a PAX record has a NUL in a name", value);
  }
  const before = records.get(key);
  if (before === undefined) records.set(key, value);
  else if (REPEATABLE.has(key)) records.set(key, `${before},${value}`);
  else throw archiveError(`the PAX key ${key.slice(0, 80)} appears twice for one entry`);
}

/** A decimal number of a record, or undefined if there is none. */
export function paxNumber(records: PaxRecords, key: string): number | undefined {
  const value = records.get(key);
  if (value === undefined) return undefined;
  if (!/^[0-9]{1,16}$/.test(value) || !Number.isSafeInteger(Number(value))) {
    throw archiveError(`the PAX ${key} is not a number`);
  }
  return Number(value);
}

/** A time in seconds with its fraction, or undefined. */
export function paxTime(records: PaxRecords, key: string): number | undefined {
  const value = records.get(key);
  if (value === undefined) return undefined;
  if (!/^-?[0-9]{1,15}(\.[0-9]{0,30})?$/.test(value)) throw archiveError(`the PAX ${key} is not a time`);
  return Number(value);
}
