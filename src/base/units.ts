/** Sizes as people write and read them. */
import { UsageError } from "./errors.ts";

const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

export interface SizeFormat {
  /** Significant digits; podman takes 4, and 3 in `images`. */
  readonly precision?: number;
  /** Between number and unit. */
  readonly separator?: string;
}

/** `12.34MB`: powers of 1000, at most four significant digits, as podman prints sizes. */
export function humanSize(bytes: number, format: SizeFormat = {}): string {
  return scale(bytes, 1000, DECIMAL, format);
}

/** `12.34MiB`: powers of 1024, for memory. */
export function humanBinarySize(bytes: number, format: SizeFormat = {}): string {
  return scale(bytes, 1024, BINARY, format);
}

function scale(bytes: number, base: number, units: readonly string[], format: SizeFormat): string {
  let value = bytes;
  let unit = 0;
  for (; Math.abs(value) >= base && unit < units.length - 1; unit++) value /= base;
  const digits = Number(value.toPrecision(format.precision ?? 4));
  return `${digits}${format.separator ?? ""}${units[unit]}`;
}

const POWERS = "bkmgtp";

/**
 * A size in bytes: `1024`, `64k`, `1.5GiB`, `10 MB`. Letters are powers of 1024 whether or not
 * an `i` or `b` follows, in either case, as docker and podman read them.
 *
 * @throws {UsageError} `invalid-size`
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d*)?|\.\d+) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text.trim());
  const bytes =
    match === null ? Number.NaN : Number(match[1]) * 1024 ** POWERS.indexOf((match[2] ?? "b").toLowerCase());
  if (Number.isSafeInteger(Math.trunc(bytes))) return Math.trunc(bytes);
  throw new UsageError("invalid-size", `invalid size: '${text}'`, {
    hint: "write a number with an optional unit b, k, m, g or t, for example 512m",
  });
}
