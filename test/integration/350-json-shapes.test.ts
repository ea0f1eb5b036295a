/**
 * `--format json` has the keys that scripts read with podman: test/fixtures/podman-json-keys.json has those of podman 4.3 and
 * 5.8 for the same objects, and which of them kelp leaves out.
 */
import { beforeAll, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, ROOT, requires, useSandbox } from "../support/index.ts";

interface Keys {
  readonly "4.3": readonly string[];
  readonly "5.8": readonly string[];
  /** A star at the end stands for everything that begins so. */
  readonly leftOut: readonly string[];
}

const box = useSandbox("350-json", { CONTAINERS_CONF: "/dev/null" });
const needs = requires("subuid", "overlay", "busybox");
const fixture = join(ROOT, "test", "fixtures", "podman-json-keys.json");
const shapes: Readonly<Record<string, Keys>> = JSON.parse(readFileSync(fixture, "utf8"));

beforeAll(async () => {
  if (needs.missing !== undefined) return;
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
  const flags = ["-d", "--network", "none", "--name", "t350", "-v", "t350-volume:/v", "-l", "a=b"];
  await box.ok(["run", ...flags, BUSYBOX, "sleep", "600"]);
}, 60_000);

/** Paths of all keys of the first object; lists count as their members. */
function keysOf(value: unknown, prefix = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => keysOf(item, `${prefix}[]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    return [path, ...keysOf(inner, path)];
  });
}

for (const [command, { leftOut, ...versions }] of Object.entries(shapes)) {
  needs.test(`${command} --format json has podman's keys`, async () => {
    const words = command.replace("IMAGE", BUSYBOX).replace("NETWORK", "kelp").split(" ");
    const output = await box.ok([...words, "--format", "json"]);
    const parsed = JSON.parse(words[0] === "events" ? (output.split("\n")[0] as string) : output);
    const first = Array.isArray(parsed) ? parsed[0] : parsed;
    const here = new Set(keysOf(first));
    const isLeftOut = (key: string) =>
      leftOut.some((word) => (word.endsWith("*") ? key.startsWith(word.slice(0, -1)) : word === key));
    for (const [version, keys] of Object.entries(versions))
      expect({ version, missing: keys.filter((key) => !here.has(key) && !isLeftOut(key)) }).toEqual({
        version,
        missing: [],
      });
  });
}
