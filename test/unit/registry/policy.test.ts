import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPolicy } from "../../../src/registry/policy.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-unit-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function check(policy: object, transport: string, name: string): void {
  const file = join(root, "policy.json");
  writeFileSync(file, JSON.stringify(policy));
  checkPolicy({ data: root, config: join(root, "kelp"), cache: root, runtime: root }, transport, name, file);
}

const accept = [{ type: "insecureAcceptAnything" }];
const reject = [{ type: "reject" }];

test("the most specific scope decides, from the tag up to the top domain", () => {
  const name = "a.b.example/x/y:1";
  const scopes = [name, "a.b.example/x/y", "a.b.example/x", "a.b.example", "*.b.example", "*.example", ""];
  for (const [index, scope] of scopes.entries()) {
    const weaker = Object.fromEntries(scopes.slice(index + 1).map((key) => [key, reject]));
    const policy = { default: reject, transports: { docker: { ...weaker, [scope]: accept } } };
    expect(() => check(policy, "docker", name)).not.toThrow();
  }
});

test("the default is for transports and names nobody speaks of", () => {
  expect(() => check({ default: reject }, "docker", "r.example/x:1")).toThrow(/rejected by policy/);
  expect(() => check({ default: reject, transports: { docker: { "": accept } } }, "oci", "/x")).toThrow(
    /rejected/,
  );
});

test("every requirement must be met, and one kelp cannot check is not", () => {
  for (const type of ["signedBy", "sigstoreSigned", "somethingNew", undefined]) {
    expect(() => check({ default: [...accept, { type }] }, "docker", "r.example/x:1")).toThrow(
      /cannot check/,
    );
  }
});

test("a policy that is none, or says nothing, lets nothing pass", () => {
  for (const policy of [
    {},
    { default: [] },
    { default: {} },
    { default: accept, transports: { docker: { "": [] } } },
  ]) {
    expect(() => check(policy, "docker", "r.example/x:1")).toThrow(/policy\.json/);
  }
});
