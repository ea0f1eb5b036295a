/**
 * How JavaScript values stand for Go's: plain objects are structs (a missing field is an error),
 * `goMap` objects and Maps are maps (a missing key has no value), null is a nil pointer, undefined
 * an empty interface.
 */

import { escapeJson } from "../../base/index.ts";

const maps = new WeakSet<object>();
const typeNames = new WeakMap<object, string>();

/** Marks an object as a Go map: templates may ask it for any key. */
export function goMap<T extends object>(object: T): T {
  maps.add(object);
  return object;
}

/** Gives a struct the type's name that Go's error messages and %T show. */
export function goStruct<T extends object>(object: T, typeName: string): T {
  typeNames.set(object, typeName);
  return object;
}

export type Kind = "nil" | "string" | "bool" | "int" | "float" | "slice" | "map" | "struct" | "func" | "time";

export function kindOf(value: unknown): Kind {
  if (value === null || value === undefined) return "nil";
  switch (typeof value) {
    case "string":
      return "string";
    case "boolean":
      return "bool";
    case "number":
      return Number.isSafeInteger(value) ? "int" : "float";
    case "bigint":
      return "int";
    case "function":
      return "func";
  }
  if (Array.isArray(value) || value instanceof Uint8Array) return "slice";
  if (value instanceof Map || maps.has(value)) return "map";
  return value instanceof Date ? "time" : "struct";
}

/** Go's name for the value's type, as far as a JavaScript value still knows it. */
export function typeName(value: unknown): string {
  switch (kindOf(value)) {
    case "nil":
      return "<nil>";
    case "float":
      return "float64";
    case "slice":
      return `[]${elementType([...(value as readonly unknown[])])}`;
    case "map":
      return `map[string]${elementType(mapEntries(value as object).map(([, item]) => item))}`;
    case "struct":
      return typeNames.get(value as object) ?? "struct";
    case "time":
      return "time.Time";
    default:
      return kindOf(value);
  }
}

function elementType(items: readonly unknown[]): string {
  const names = new Set(items.map(typeName));
  return names.size === 1 ? (names.values().next().value as string) : "interface {}";
}

/** A map's entries in the order Go prints and ranges over them. */
export function mapEntries(map: object): [string | number, unknown][] {
  const entries: [string | number, unknown][] = map instanceof Map ? [...map.entries()] : Object.entries(map);
  return entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

export function mapGet(map: object, key: unknown): unknown {
  if (map instanceof Map) return map.get(key);
  return Object.hasOwn(map, String(key)) ? (map as Record<string, unknown>)[String(key)] : undefined;
}

/** JSON as Go's encoder writes it: the keys of maps sorted; a struct's undefined fields are left out. */
export function toJson(value: unknown): string {
  const sorted = (_key: string, item: unknown) => {
    if (kindOf(item) !== "map") return item;
    return Object.fromEntries(mapEntries(item as object));
  };
  return escapeJson(JSON.stringify(value, sorted) ?? "null");
}

/** Go's truth: nil, false, zero and the empty string, slice and map are false; every struct is true. */
export function isTrue(value: unknown): boolean {
  switch (kindOf(value)) {
    case "nil":
      return false;
    case "slice":
      return (value as ArrayLike<unknown>).length > 0;
    case "map":
      return mapEntries(value as object).length > 0;
    case "int":
      return value !== 0 && value !== 0n;
    case "struct":
    case "time":
    case "func":
      return true;
    default:
      return Boolean(value);
  }
}

/** `time.Time.String`. */
export function timeText(time: Date): string {
  const iso = time.toISOString();
  const fraction = iso.slice(19, 23).replace(/\.?0+$/, "");
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction} +0000 UTC`;
}
