/** Whom to believe on a TLS connection, and who we are: the system's bundle, certs.d, `--cert-dir`. */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError, errnoCode } from "../base/index.ts";
import { hostEnvironment } from "../config/index.ts";
import { errnoText, type Paths, readIfExists } from "../host/index.ts";

export interface TlsFiles {
  /** PEM, beside the system's. */
  readonly ca: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

/** Where distributions keep the certificates their administrator trusts. */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

let bundle: readonly string[] | undefined;

/** The system's certificates; empty if it has none, and then the built-in ones are believed. */
export function systemCertificates(): readonly string[] {
  if (bundle !== undefined) return bundle;
  const named = hostEnvironment().SSL_CERT_FILE;
  for (const path of named ? [named] : BUNDLES) {
    const text = readIfExists(path);
    if (text !== undefined && text !== "") {
      bundle = [text];
      return bundle;
    }
  }
  bundle = [];
  return bundle;
}

/** The directories searched for `host[:port]`, the user's first; the first that exists counts. */
export function certificateDirs(paths: Paths, host: string): string[] {
  return [
    join(dirname(paths.config), "containers", "certs.d", host),
    `/etc/containers/certs.d/${host}`,
    `/etc/docker/certs.d/${host}`,
  ];
}

/**
 * `*.crt` are certificates to believe, `NAME.cert` with `NAME.key` is who we are.
 *
 * @throws {ConfigError} `certificate-incomplete`, `certificate-unreadable`
 */
export function readCertificates(directory: string): TlsFiles | undefined {
  const names = list(directory);
  if (names === undefined) return undefined;
  const read = (name: string) => readOrRefuse(join(directory, name));
  const ca = names.filter((name) => name.endsWith(".crt")).map(read);
  const cert = names.find((name) => name.endsWith(".cert"));
  if (cert === undefined) return { ca };
  const key = cert.replace(/\.cert$/, ".key");
  if (!names.includes(key)) {
    throw new ConfigError(
      "certificate-incomplete",
      `cannot use ${join(directory, cert)}: its key ${key} is missing`,
    );
  }
  return { ca, cert: read(cert), key: read(key) };
}

function list(directory: string): string[] | undefined {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    const code = errnoCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw unreadable(directory, error);
  }
}

function readOrRefuse(path: string): string {
  try {
    return readIfExists(path) ?? "";
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): ConfigError {
  const code = errnoCode(error);
  return new ConfigError(
    "certificate-unreadable",
    `cannot read ${path}: ${errnoText(code) ?? code ?? error}`,
    {
      cause: error,
    },
  );
}
