/** TLS is verified, for each server apart: registries, token servers, and where they redirect to. Every certificate here is believed, but for what is wrong with it. */
import { afterAll, beforeAll, beforeEach, expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CertificateOptions, makeCertificate } from "../support/certificates.ts";
import { type RealRegistry, startRegistry } from "../support/docker-registry.ts";
import { BUSYBOX, busyboxArchive, makeTar, requires, useSandbox } from "../support/index.ts";
import { StubRegistry, sendBlob } from "../support/stub-registry.ts";

// Before the sandbox's own: it looks for processes that were left.
afterAll(() => {
  for (const server of [...stubs, ...registries.values()]) server.stop();
});
const box = useSandbox("154-tls");
const needs = requires("registry", "subuid", "overlay");
const stubs: StubRegistry[] = [];
const registries = new Map<string, RealRegistry>();

interface Case {
  readonly title: string;
  readonly certificate: CertificateOptions;
  readonly words: RegExp;
}

const BAD: readonly Case[] = [
  {
    title: "an expired certificate",
    certificate: { from: "20200101", until: "20200201" },
    words: /tls: failed to verify certificate: x509: certificate has expired or is not yet valid/,
  },
  {
    title: "a certificate of the future",
    certificate: { from: "20490101", until: "20490201" },
    words: /tls: failed to verify certificate: x509: certificate has expired or is not yet valid/,
  },
  {
    title: "a certificate for another name",
    certificate: { name: "elsewhere.test" },
    words: /tls: failed to verify certificate: x509: certificate is not valid for this name/,
  },
];

let good: StubRegistry;
let badTokens: { readonly server: StubRegistry; readonly words: RegExp }[];
let goodTokens: StubRegistry;
let plain: StubRegistry;

async function tlsServer(number: number, options: CertificateOptions): Promise<StubRegistry> {
  const certificate = makeCertificate(join(box.directory, `certificate${number}`), options);
  const server = await StubRegistry.start(certificate);
  stubs.push(server);
  const trusted = join(box.directory, "config", "containers", "certs.d", server.host);
  mkdirSync(trusted, { recursive: true });
  writeFileSync(join(trusted, "ca.crt"), certificate.cert);
  return server;
}

beforeAll(async () => {
  if (needs.missing !== undefined) return;
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
  for (const { title, certificate } of [...BAD, { title: "good", certificate: {} }])
    registries.set(title, await startRegistry(join(box.directory, title), { tls: certificate }));
  good = await tlsServer(0, {});
  good.add("t/small", "1", [{ tar: await makeTar([{ name: "hello", content: "hi\n" }]) }]);
  goodTokens = await tlsServer(1, {});
  badTokens = [];
  for (const [index, { certificate, words }] of BAD.entries())
    badTokens.push({ server: await tlsServer(index + 2, certificate), words });
  plain = await StubRegistry.start();
  stubs.push(plain);
  const hosts = [goodTokens, plain, ...badTokens.map(({ server }) => server)].map(({ host }) => host);
  const own = join(box.directory, "config", "kelp", "config.toml");
  mkdirSync(join(own, ".."), { recursive: true });
  writeFileSync(own, `[registry]\ntoken_hosts = { "${good.host}" = ${JSON.stringify(hosts)} }\n`);
}, 120_000);

beforeEach(() => {
  for (const stub of stubs) stub.reset();
});

const LOGIN = ["--creds", "someone:secret", "--retry", "0"];
const pull = (...args: string[]) =>
  box.kelp(["pull", "-q", "--policy", "always", ...LOGIN, ...args, `${good.host}/t/small:1`]);

for (const { title, words } of BAD) {
  needs.test(`R5: ${title} is refused by pull, push and login, though its CA is believed`, async () => {
    const { host, certDir } = registries.get(title) as RealRegistry;
    const name = `${host}/tls/a:1`;
    const trusting = ["--cert-dir", certDir];
    for (const line of [
      ["push", "-q", ...LOGIN, ...trusting, BUSYBOX, name],
      ["pull", "-q", ...LOGIN, ...trusting, name],
      ["login", "-u", "someone", "-p", "secret", ...trusting, host],
    ]) {
      const { code, stdout, stderr } = await box.kelp(line);
      expect(stderr).toMatch(words);
      expect({ line, code, stdout }).toEqual({ line, code: 125, stdout: "" });
    }
  });
}

needs.test("a certificate that is right is believed when its CA is named", async () => {
  const { host, certDir } = registries.get("good") as RealRegistry;
  await box.ok(["push", "-q", ...LOGIN, "--cert-dir", certDir, BUSYBOX, `${host}/tls/a:1`]);
});

/** Everything of the registry needs a token from there. */
function askFor(server: StubRegistry, scheme = "https"): void {
  good.handler = (request, response) => {
    if (request.headers.authorization === "Bearer granted") return undefined;
    const challenge = `Bearer realm="${scheme}://${server.host}/token",service="s"`;
    response.writeHead(401, { "WWW-Authenticate": challenge }).end();
    return true;
  };
  server.handler = (_request, response) => {
    response.writeHead(200).end(JSON.stringify({ token: "granted" }));
    return true;
  };
}

needs.test("R5: a token server with a bad certificate, or without TLS, sees no password", async () => {
  for (const { server, words } of badTokens) {
    askFor(server);
    const { code, stderr } = await pull();
    expect(stderr).toMatch(words);
    expect({ code, asked: server.requests.length }).toEqual({ code: 125, asked: 0 });
  }
  askFor(plain, "http");
  expect((await pull()).code).toBe(125);
  expect(plain.requests).toEqual([]);
  askFor(goodTokens);
  expect((await pull()).code).toBe(0);
  expect(goodTokens.requests.length).toBeGreaterThan(0);
});

/** Blobs are elsewhere. */
function sendTo(server: StubRegistry, scheme = "https"): void {
  good.handler = (request, response) => {
    if (!request.url?.includes("/blobs/")) return undefined;
    response.writeHead(307, { Location: `${scheme}://${server.host}${request.url}` }).end();
    return true;
  };
  server.handler = (request, response) => {
    sendBlob(request, response, good.blobs.get(request.url?.split("/").at(-1) ?? ""));
    return true;
  };
}

needs.test("R5: --tls-verify=false for a registry does not loosen the hosts it sends to", async () => {
  for (const { server, words } of badTokens) {
    await box.kelp(["rmi", "--force", `${good.host}/t/small:1`]);
    sendTo(server);
    const { code, stderr } = await pull("--tls-verify=false");
    expect(stderr).toMatch(words);
    expect({ code, asked: server.requests.length }).toEqual({ code: 125, asked: 0 });
  }
  sendTo(plain, "http");
  expect((await pull()).code).toBe(125);
  expect(plain.requests).toEqual([]);
  sendTo(goodTokens);
  expect((await pull()).code).toBe(0);
  expect(goodTokens.requests.length).toBeGreaterThan(0);
});
