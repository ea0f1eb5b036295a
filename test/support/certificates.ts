/** Certificates that vouch for themselves, good and bad ones, made by openssl. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface CertificateOptions {
  /** The only name it is for. */
  readonly name?: string;
  /** `YYYYMMDD`; a day ago and a day ahead if absent. */
  readonly from?: string;
  readonly until?: string;
}

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly certPath: string;
  readonly keyPath: string;
}

const DAY = 86_400_000;

/** @param directory made for it alone */
export function makeCertificate(directory: string, options: CertificateOptions = {}): Certificate {
  const { name = "localhost", from = dayFrom(-DAY), until = dayFrom(DAY) } = options;
  mkdirSync(directory, { recursive: true });
  const path = (file: string) => join(directory, file);
  writeFileSync(path("index"), "");
  writeFileSync(path("serial"), "01");
  writeFileSync(path("ca.cnf"), configuration(directory, name));
  const request = ["-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${name}`];
  openssl("req", ...request, "-keyout", path("key.pem"), "-out", path("request.pem"));
  const dates = ["-startdate", `${from}000000Z`, "-enddate", `${until}000000Z`];
  const files = ["-config", path("ca.cnf"), "-in", path("request.pem"), "-keyfile", path("key.pem")];
  openssl("ca", "-batch", "-selfsign", "-notext", ...files, ...dates, "-out", path("cert.pem"));
  const [certPath, keyPath] = [path("cert.pem"), path("key.pem")];
  return { cert: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8"), certPath, keyPath };
}

function dayFrom(offset: number): string {
  return new Date(Date.now() + offset).toISOString().slice(0, 10).replaceAll("-", "");
}

function configuration(directory: string, name: string): string {
  return [
    "[ca]\ndefault_ca = own",
    `[own]\ndatabase = ${directory}/index\nserial = ${directory}/serial\nnew_certs_dir = ${directory}`,
    "default_md = sha256\npolicy = any\nx509_extensions = names",
    "[any]\ncommonName = supplied",
    `[names]\nsubjectAltName = DNS:${name}`,
    "",
  ].join("\n");
}

function openssl(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr}`);
}
