/** Go's spellings of sizes and spans of time, with Go's complaints. */

const SIZE_FACTOR: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1 << 10,
  m: 1 << 20,
  g: 1 << 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

/** `64m`, `1.5GiB`, `1024`: bytes, units being powers of 1024. */
export function parseSize(text: string): number {
  const match = /^(-?\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? /^(\d+) ?(b)$/i.exec(text);
  if (match === null) throw new Error(`invalid size: '${text}'`);
  return Math.trunc(Number(match[1]) * (SIZE_FACTOR[(match[2] as string).toLowerCase()] as number));
}

const SPAN_FACTOR: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** `1h30m`, `-1.5s`, `0`: nanoseconds. */
export function parseGoDuration(text: string): number {
  const quoted = JSON.stringify(text);
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0;
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(body)) {
    const bare = /^[\d.]*\d[\d.]*$/.test(body);
    throw new Error(bare ? `time: missing unit in duration ${quoted}` : `time: invalid duration ${quoted}`);
  }
  let total = 0;
  for (const [, number, unit] of body.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(number) * (SPAN_FACTOR[unit as string] as number);
  }
  return Math.round(text.startsWith("-") ? -total : total);
}
