/** What goes wrong between kelp and a server, in words; and which of it may go away by itself. */
import { errnoCode, escapeControl, RegistryError, redact } from "../base/index.ts";

/** An answer or a broken connection that another attempt may mend. */
export class TransientError extends RegistryError {
  /** How long the server asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number | undefined } = {},
  ) {
    super(code, message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}

const TLS_WORDS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "x509: certificate signed by unknown authority",
  SELF_SIGNED_CERT_IN_CHAIN: "x509: certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "x509: certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "x509: certificate signed by unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "x509: certificate signed by unknown authority",
  CERT_HAS_EXPIRED: "x509: certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID: "x509: certificate has expired or is not yet valid",
  ERR_TLS_CERT_ALTNAME_INVALID: "x509: certificate is not valid for this name",
  CERT_REVOKED: "x509: certificate was revoked",
};

const NETWORK_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ECONNRESET: "connection reset by peer",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "temporary failure in name resolution",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "connect: connection timed out",
  EPROTO: "tls: the server does not speak TLS",
};

/** True if the server speaks no TLS, or none that is believed. */
export function isTlsFailure(error: unknown): boolean {
  return error instanceof RegistryError && error.code === "tls-failed";
}

/** From what `fetch` threw. */
export function connectionError(url: URL, error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const code = errnoCode(error) ?? "";
  const where = `${url.protocol}//${url.host}${url.pathname}`;
  const message = (words: string) => `Get ${JSON.stringify(redact(where))}: ${words}`;
  if (TLS_WORDS[code] !== undefined) {
    return new RegistryError("tls-failed", message(`tls: failed to verify certificate: ${TLS_WORDS[code]}`), {
      cause: error,
      hint: /EXPIRED|NOT_YET_VALID/.test(code)
        ? "is this machine's clock right (date; kelp doctor clock)?"
        : `put its CA certificate into /etc/containers/certs.d/${url.host}/ca.crt, or use --tls-verify=false for a registry you trust`,
    });
  }
  if (code === "EPROTO" || /CERT|TLS|SSL/.test(code)) {
    return new RegistryError("tls-failed", message(NETWORK_WORDS.EPROTO as string), {
      cause: error,
      hint: "for a registry without TLS use --tls-verify=false, or insecure = true in registries.conf",
    });
  }
  const name = (error as { name?: string } | null)?.name;
  if (name === "TimeoutError" || name === "AbortError")
    return new TransientError("registry-timeout", message("no answer in time"), { cause: error });
  const words = NETWORK_WORDS[code] ?? firstSentence(error);
  if (code === "ENOTFOUND")
    return new RegistryError("host-unknown", message(`dial tcp: lookup ${url.hostname}: ${words}`), {
      cause: error,
      hint: "is the registry's name right, and is there a network? `kelp doctor` looks at the machine",
    });
  const broken = code === "ECONNRESET" || NETWORK_WORDS[code] === undefined;
  return new TransientError(
    broken ? "connection-broken" : "connection-failed",
    message(`dial tcp ${url.host}: ${words}`),
    { cause: error },
  );
}

function firstSentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return escapeControl(redact(text.split(/\.\s/)[0] ?? text)).slice(0, 200);
}
