/** Takes secrets out of text before it reaches a message, a log or a terminal. */

const MASK = "*****";

/** Parameters of URLs that carry signatures, tokens and keys. */
const SECRET_PARAMETER =
  /([?&#;](?:[\w.-]*(?:token|secret|password|passwd|signature|credential|apikey|api_key|access_key|auth|jwt)[\w.-]*|sig|key|code|x-amz-[\w-]+|x-goog-[\w-]+|awsaccesskeyid)=)[^&#\s"'<>]*/gi;
const USER_INFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"'<>]*(?:@[^\s/?#@"'<>]*)*@/gi;
const AUTHORIZATION = /\b(bearer|basic|digest|token)(\s+)[a-z0-9._~+/=-]{8,}/gi;

/** Masks credentials in every URL and every Authorization value found in the text. */
export function redact(text: string): string {
  return text
    .replace(USER_INFO, `$1${MASK}@`)
    .replace(SECRET_PARAMETER, `$1${MASK}`)
    .replace(AUTHORIZATION, `$1$2${MASK}`);
}

const SECRET_VARIABLE =
  /password|passwd|passphrase|(^|_)pass$|secret|token|credential|private_?key|api_?key|access_?key|_auth$|_pat$/i;

/** `NAME=value` for a log: the value is masked if the name tells of a secret. */
export function redactEnv(entry: string): string {
  const equals = entry.indexOf("=");
  if (equals < 0) return entry;
  const name = entry.slice(0, equals);
  return SECRET_VARIABLE.test(name) ? `${name}=${MASK}` : `${name}=${redact(entry.slice(equals + 1))}`;
}
