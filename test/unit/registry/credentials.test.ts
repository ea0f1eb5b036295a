import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCredentials, removeCredentials, saveCredentials } from "../../../src/registry/credentials.ts";

let root: string;
const saved = { ...process.env };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-unit-"));
  process.env.XDG_RUNTIME_DIR = join(root, "run");
  process.env.HOME = join(root, "home");
  delete process.env.REGISTRY_AUTH_FILE;
  delete process.env.DOCKER_CONFIG;
});
afterEach(() => {
  for (const name of ["XDG_RUNTIME_DIR", "HOME", "REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "PATH"]) {
    if (saved[name] === undefined) delete process.env[name];
    else process.env[name] = saved[name];
  }
  rmSync(root, { recursive: true });
});

const paths = () => ({
  data: root,
  config: join(root, "config", "kelp"),
  cache: root,
  runtime: join(root, "run", "kelp"),
});
const encode = (text: string) => Buffer.from(text).toString("base64");

function write(path: string, document: object): string {
  const full = join(root, path);
  mkdirSync(join(full, ".."), { recursive: true });
  writeFileSync(full, JSON.stringify(document));
  return full;
}

function helper(script: string): void {
  const bin = join(root, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "docker-credential-test"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, "docker-credential-test"), 0o755);
  process.env.PATH = `${bin}:${saved.PATH}`;
}

test("the longest key that covers the repository counts, with or without a scheme", async () => {
  const authFile = write("auth.json", {
    auths: {
      "https://r.example/v1/": { auth: encode("host:1") },
      "r.example/a": { auth: encode("a:2") },
      "r.example/a/b": { auth: encode("ab:3:with:colons") },
    },
  });
  const user = async (repository: string) =>
    (await findCredentials({ paths: paths(), authFile }, repository))?.username;
  expect(await user("r.example/a/b")).toBe("ab");
  expect(await user("r.example/a/bc")).toBe("a");
  expect(await user("r.example/x")).toBe("host");
  expect(await user("other.example/a")).toBeUndefined();
  expect((await findCredentials({ paths: paths(), authFile }, "r.example/a/b"))?.password).toBe(
    "3:with:colons",
  );
});

test("podman's file goes before docker's, which is found without being named", async () => {
  write("home/.docker/config.json", {
    auths: { "https://index.docker.io/v1/": { auth: encode("docker:1") } },
  });
  expect((await findCredentials({ paths: paths() }, "docker.io/library/x"))?.username).toBe("docker");
  write("run/containers/auth.json", { auths: { "docker.io": { auth: encode("podman:1") } } });
  expect((await findCredentials({ paths: paths() }, "docker.io/library/x"))?.username).toBe("podman");
});

test("REGISTRY_AUTH_FILE stands instead of all others", async () => {
  write("run/containers/auth.json", { auths: { "r.example": { auth: encode("default:1") } } });
  process.env.REGISTRY_AUTH_FILE = write("named.json", {});
  expect(await findCredentials({ paths: paths() }, "r.example/x")).toBeUndefined();
});

test("a saved login is private, keeps the file's other entries, and is forgotten again", async () => {
  const authFile = write("auth.json", { auths: { "other.example": { auth: encode("o:1") } }, extra: 1 });
  const options = { paths: paths(), authFile };
  await saveCredentials(options, "r.example", { username: "me", password: "se:cret" });
  expect(statSync(authFile).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(authFile, "utf8"))).toEqual({
    auths: { "other.example": { auth: encode("o:1") }, "r.example": { auth: encode("me:se:cret") } },
    extra: 1,
  });
  expect(await findCredentials(options, "r.example/x")).toEqual({ username: "me", password: "se:cret" });
  expect(await removeCredentials(options, "r.example")).toBe(true);
  expect(await removeCredentials(options, "r.example")).toBe(false);
});

test("a credential helper is asked for its registry only", async () => {
  helper('read server; [ "$1" = get ] && echo "{\\"Username\\":\\"$server\\",\\"Secret\\":\\"s\\"}"');
  const authFile = write("auth.json", { credHelpers: { "r.example": "test" } });
  expect(await findCredentials({ paths: paths(), authFile }, "r.example/x")).toEqual({
    username: "r.example",
    password: "s",
  });
  expect(await findCredentials({ paths: paths(), authFile }, "other.example/x")).toBeUndefined();
});

test("a helper's <token> is a refresh token, and what it does not know is no failure", async () => {
  helper('echo \'{"Username":"<token>","Secret":"t"}\'');
  const authFile = write("auth.json", { credsStore: "test" });
  const options = { paths: paths(), authFile };
  expect(await findCredentials(options, "r.example/x")).toEqual({
    username: "",
    password: "",
    identityToken: "t",
  });
  helper("echo credentials not found in native keychain; exit 1");
  expect(await findCredentials(options, "r.example/x")).toBeUndefined();
});

test("a helper that is missing, fails or babbles is an error and no fallback", async () => {
  write("home/.docker/config.json", { auths: { "r.example": { auth: encode("fallback:1") } } });
  write("run/containers/auth.json", { credHelpers: { "r.example": "test" } });
  process.env.PATH = join(root, "empty");
  await expect(findCredentials({ paths: paths() }, "r.example/x")).rejects.toThrow(
    /no program docker-credential-test/,
  );
  helper("echo secret-part; exit 3");
  await expect(findCredentials({ paths: paths() }, "r.example/x")).rejects.toThrow(/helper test/);
  helper("echo hello");
  await expect(findCredentials({ paths: paths() }, "r.example/x")).rejects.toThrow(/not understood/);
});

test("a damaged file is told by its name, without its content", async () => {
  const authFile = join(root, "auth.json");
  writeFileSync(authFile, '{"auths": {"r.example": {"auth": "c2VjcmV0OnNlY3JldA=="');
  await expect(findCredentials({ paths: paths(), authFile }, "r.example/x")).rejects.toThrow(
    `cannot read ${authFile}: it is not a JSON object`,
  );
});
