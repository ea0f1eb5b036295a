/** `WWW-Authenticate` (RFC 9110): what a server wants to see before it answers. */

export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly params: Readonly<Record<string, string>>;
}

const MAX_HEADER = 8192;
/** In turn: a parameter, the token68 of a scheme, a scheme's name, a separator. */
const PIECE =
  /([\w!#$%&'*+.^`|~-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=]+(?=[ \t]*(?:,|$))))|([\w!#$%&'*+.^`|~-]+)(?:[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$)))?|[\s,]+/gy;

/** All challenges in the header's order; none of what cannot be read. */
export function parseChallenges(header: string | null): Challenge[] {
  if (header === null || header.length > MAX_HEADER) return [];
  const found: { scheme: string; params: Record<string, string> }[] = [];
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < header.length) {
    const match = PIECE.exec(header);
    if (match === null) break;
    const [, name, quoted, plain, scheme] = match;
    if (scheme !== undefined) found.push({ scheme: scheme.toLowerCase(), params: {} });
    if (name === undefined) continue;
    const current = found.at(-1);
    if (current === undefined) return [];
    current.params[name.toLowerCase()] ??= quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "";
  }
  return found;
}
