import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dockerReference, formatReference, parseReference } from "../../../src/oci/index.ts";
import { loadRegistriesConf, pullPlaces, searchRegistries } from "../../../src/registry/registries-conf.ts";

let root: string;
const named = process.env.CONTAINERS_REGISTRIES_CONF;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-unit-"));
});
afterEach(() => {
  if (named === undefined) delete process.env.CONTAINERS_REGISTRIES_CONF;
  else process.env.CONTAINERS_REGISTRIES_CONF = named;
  rmSync(root, { recursive: true });
});

async function load(text: string) {
  process.env.CONTAINERS_REGISTRIES_CONF = join(root, "registries.conf");
  writeFileSync(join(root, "registries.conf"), text);
  const paths = { data: root, config: join(root, "kelp"), cache: join(root, "kelp"), runtime: root };
  return loadRegistriesConf(paths);
}

async function places(text: string, name: string): Promise<string[]> {
  const found = pullPlaces(await load(text), dockerReference(parseReference(name)));
  return found.map(({ reference, insecure }) => formatReference(reference) + (insecure ? " insecure" : ""));
}

test("a registry nobody configured is itself, with TLS", async () => {
  expect(await places("", "r.example/a/b:1")).toEqual(["r.example/a/b:1"]);
});

test("the longest prefix that ends at a boundary rewrites the name", async () => {
  const conf = `
    [[registry]]
    prefix = "r.example/a"
    location = "mirror.example/x"
    insecure = true
    [[registry]]
    location = "r.example"
    `;
  expect(await places(conf, "r.example/a/b:1")).toEqual(["mirror.example/x/b:1 insecure"]);
  expect(await places(conf, "r.example/ab:1")).toEqual(["r.example/ab:1"]);
});

test("mirrors come first, each for what it may serve", async () => {
  const conf = `
    [[registry]]
    location = "r.example"
    [[registry.mirror]]
    location = "tags.example/m"
    pull-from-mirror = "tag-only"
    [[registry.mirror]]
    location = "digests.example"
    pull-from-mirror = "digest-only"
    insecure = true
    `;
  const digest = `sha256:${"0".repeat(64)}`;
  expect(await places(conf, "r.example/a:1")).toEqual(["tags.example/m/a:1", "r.example/a:1"]);
  expect(await places(conf, `r.example/a@${digest}`)).toEqual([
    `digests.example/a@${digest} insecure`,
    `r.example/a@${digest}`,
  ]);
});

test("a wildcard matches hosts beneath it, not the domain itself and not its lookalikes", async () => {
  const conf = `[[registry]]\nprefix = "*.example.com"\nlocation = "proxy.test"`;
  expect(await places(conf, "a.example.com/x:1")).toEqual(["proxy.test/x:1"]);
  expect(await places(conf, "example.com/x:1")).toEqual(["example.com/x:1"]);
  expect(await places(conf, "badexample.com/x:1")).toEqual(["badexample.com/x:1"]);
});

test("a blocked registry is refused by name", async () => {
  await expect(
    places(`[[registry]]\nlocation = "r.example"\nblocked = true`, "r.example/a:1"),
  ).rejects.toThrow(/^registry r\.example is blocked in /);
});

test("short names: the search list, else docker.io and that this is our default", async () => {
  expect(searchRegistries(await load('unqualified-search-registries = ["a.example"]'))).toEqual({
    registries: ["a.example"],
    isDefault: false,
  });
  expect((await load('[aliases]\n"x" = "r.example/y"')).aliases.get("x")).toBe("r.example/y");
});

test("what cannot be meant is an error that names the file", async () => {
  for (const text of [
    "[[registry]]\ninsecure = true",
    "[registries.search]\nregistries = 1\n[registry]\nx=1",
    "= 1",
  ]) {
    await expect(load(text)).rejects.toThrow(`cannot read ${join(root, "registries.conf")}: `);
  }
});
