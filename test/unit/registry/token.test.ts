import { expect, test } from "bun:test";
import type { HttpClient } from "../../../src/registry/http.ts";
import { fetchToken } from "../../../src/registry/token.ts";

/** Where the token would have been asked for, with which credentials; or the refusal. */
async function asked(registry: string, realm: string, tokenHosts: readonly string[] = []): Promise<string> {
  let seen = "nothing was asked";
  const http = {
    async send({ url, headers }: { url: URL; headers?: Record<string, string> }) {
      seen = `${url.host} ${headers?.Authorization === undefined ? "anonymously" : "with credentials"}`;
      return new Response('{"token":"t"}');
    },
  } as unknown as HttpClient;
  const request = {
    challenge: { scheme: "bearer", params: { realm } },
    registry: new URL(registry),
    scopes: [],
    credentials: { username: "u", password: "p" },
    tokenHosts,
  };
  await fetchToken(http, request).catch((error: Error) => {
    seen = error.message;
  });
  return seen;
}

test("the registry itself, its site and the hub's known server see credentials", async () => {
  const cases = [
    ["https://r.example", "https://r.example/token"],
    ["https://registry.gitlab.com", "https://gitlab.com/jwt/auth"],
    ["https://registry.example.co.uk", "https://auth.example.co.uk/t"],
    ["https://registry-1.docker.io", "https://auth.docker.io/token"],
  ] as const;
  for (const [registry, realm] of cases)
    expect(await asked(registry, realm)).toBe(`${new URL(realm).host} with credentials`);
});

test("nobody else does, however alike the names", async () => {
  const cases = [
    ["https://r.example", "https://evil.example/token"],
    ["https://example.co.uk", "https://evil.co.uk/token"],
    ["https://registry.example.com", "https://evilexample.com/token"],
    ["https://registry.example.com", "https://example.com.evil.test/token"],
    ["https://10.0.0.1", "https://9.0.0.1/token"],
    ["https://r.example:5000", "http://r.example:5001/token"],
  ] as const;
  for (const [registry, realm] of cases) expect(await asked(registry, realm)).toMatch(/^cannot log in to /);
});

test("addresses of this machine, of its link and without TLS are refused outright", async () => {
  for (const host of [
    "127.0.0.1",
    "localhost",
    "169.254.169.254",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[fe80::1]",
    "0.0.0.0",
  ])
    expect(await asked("https://registry.example.com", `https://${host}/token`)).toMatch(/token server/);
  expect(await asked("https://r.example", "http://r.example/token")).toMatch(/without TLS/);
  expect(await asked("https://r.example", "https://a:b@r.example/token")).toMatch(/not an address/);
});

test("a host the user named for the registry sees credentials", async () => {
  expect(await asked("https://r.example", "https://login.test/token", ["login.test"])).toBe(
    "login.test with credentials",
  );
});
