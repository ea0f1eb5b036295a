/** Debian's docker-registry on loopback, plain or with TLS and a password. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type CertificateOptions, makeCertificate } from "./certificates.ts";

export interface RealRegistry {
  readonly host: string;
  /** A directory with its CA certificate, for --cert-dir. */
  readonly certDir: string;
  stop(): void;
}

export interface RegistryOptions {
  /** USER:PASSWORD that everybody needs. */
  readonly login?: string;
  readonly tls?: CertificateOptions;
}

/** Starts one with its data beneath `directory`; resolves when it answers. */
export async function startRegistry(directory: string, options: RegistryOptions = {}): Promise<RealRegistry> {
  const certDir = join(directory, "certs");
  mkdirSync(certDir, { recursive: true });
  const port = await freePort();
  const config = [
    "version: 0.1",
    "log: {level: error, accesslog: {disabled: true}}",
    `storage: {filesystem: {rootdirectory: ${join(directory, "data")}}, delete: {enabled: true}}`,
    ...(options.login === undefined
      ? []
      : [`auth: {htpasswd: {realm: test, path: ${writePasswords(directory, options.login)}}}`]),
    `http: {addr: "127.0.0.1:${port}"${options.tls === undefined ? "" : `, ${tlsSettings(directory, certDir, options.tls)}`}}`,
  ];
  const path = join(directory, "config.yml");
  writeFileSync(path, config.join("\n"));
  const child = spawn("docker-registry", ["serve", path], { stdio: "ignore" });
  const scheme = options.tls === undefined ? "http" : "https";
  await answers(`${scheme}://127.0.0.1:${port}/v2/`);
  return { host: `localhost:${port}`, certDir, stop: () => void child.kill("SIGKILL") };
}

function writePasswords(directory: string, login: string): string {
  const colon = login.indexOf(":");
  const [user, password] = [login.slice(0, colon), login.slice(colon + 1)];
  const path = join(directory, "htpasswd");
  writeFileSync(path, `${user}:${Bun.password.hashSync(password, { algorithm: "bcrypt", cost: 4 })}\n`);
  return path;
}

function tlsSettings(directory: string, certDir: string, options: CertificateOptions): string {
  const { cert, certPath, keyPath } = makeCertificate(join(directory, "tls"), options);
  writeFileSync(join(certDir, "ca.crt"), cert);
  return `tls: {certificate: ${certPath}, key: ${keyPath}}`;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function answers(url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      await fetch(url, { tls: { rejectUnauthorized: false } });
      return;
    } catch {
      await Bun.sleep(50);
    }
  }
  throw new Error(`docker-registry does not answer at ${url}`);
}
