/** Debian's docker-registry on loopback, plain or with TLS and a password. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

export interface RealRegistry {
  readonly host: string;
  /** A directory with its CA certificate, for --cert-dir. */
  readonly certDir: string;
  stop(): void;
}

export interface RegistryOptions {
  /** USER:PASSWORD that everybody needs. */
  readonly login?: string;
  readonly tls?: boolean;
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
    `http: {addr: "127.0.0.1:${port}"${options.tls === true ? `, ${makeCertificate(directory, certDir)}` : ""}}`,
  ];
  const path = join(directory, "config.yml");
  writeFileSync(path, config.join("\n"));
  const child = spawn("docker-registry", ["serve", path], { stdio: "ignore" });
  const scheme = options.tls === true ? "https" : "http";
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

function makeCertificate(directory: string, certDir: string): string {
  const key = join(directory, "key.pem");
  const certificate = join(certDir, "ca.crt");
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const made = Bun.spawnSync(
    [
      "openssl",
      "req",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-x509",
      "-days",
      "2",
      "-keyout",
      key,
      "-out",
      certificate,
      ...subject,
    ],
    { stderr: "pipe" },
  );
  if (!made.success) throw new Error(`openssl failed: ${made.stderr}`);
  return `tls: {certificate: ${certificate}, key: ${key}}`;
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
