/**
 * `--format json` has the keys that scripts read with podman: test/fixtures/podman-json-keys.json has those of podman 4.3 and
 * 5.8 for the same objects, and which of them kelp leaves out.
 */
import { beforeAll, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, ROOT, requires, useSandbox } from "../support/index.ts";

/** What podman showed of a container, by path: keys with a value, and keys that are there and empty. */
interface Shown {
  readonly name: string;
  readonly args: readonly string[];
  readonly set: readonly string[];
  readonly empty: readonly string[];
}

interface Keys {
  readonly "4.3": readonly string[];
  readonly "5.8": readonly string[];
  /** A star at the end stands for everything that begins so. */
  readonly leftOut: readonly string[];
}

const box = useSandbox("350-json", { CONTAINERS_CONF: "/dev/null" });
const needs = requires("subuid", "overlay", "busybox");
const fixture = (name: string) => JSON.parse(readFileSync(join(ROOT, "test", "fixtures", name), "utf8"));
const shapes: Readonly<Record<string, Keys>> = fixture("podman-json-keys.json");
const attached: { readonly containers: readonly Shown[] } = fixture("podman-network-settings.json");

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

/** Paths of what is no object, or an empty one, by whether it says something. */
function filled(value: object, prefix = ""): { set: string[]; empty: string[] } {
  const found = { set: [] as string[], empty: [] as string[] };
  for (const [key, inner] of Object.entries(value)) {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    const isObject = typeof inner === "object" && inner !== null;
    if (isObject && !Array.isArray(inner) && Object.keys(inner).length > 0) {
      const { set, empty } = filled(inner, path);
      found.set.push(...set);
      found.empty.push(...empty);
    } else (inner && !(isObject && Object.keys(inner).length === 0) ? found.set : found.empty).push(path);
  }
  return { set: found.set.sort(), empty: found.empty.sort() };
}

needs.test(
  "NetworkSettings has podman's keys, and values where podman has some",
  async () => {
    for (const network of ["first", "second"]) await box.ok(["network", "create", network]);
    const settings = async (name: string) =>
      JSON.parse(await box.ok(["inspect", "-f", "{{json .NetworkSettings}}", name]));
    const stopped = attached.containers.filter(({ args }) => args.length === 0);
    const running = attached.containers.filter(({ args }) => args.length > 0);
    const made = running.map(({ name }) => name);
    for (const { name, args } of running)
      await box.ok(["run", "-d", "--name", name, ...args, BUSYBOX, "sleep", "600"]);
    const compare = async ({ name, set, empty }: Shown, container: string) =>
      expect({ name, ...filled(await settings(container)) }).toEqual({
        name,
        set: [...set],
        empty: [...empty],
      });
    for (const shown of running) await compare(shown, shown.name);
    const { Networks } = await settings("two");
    for (const network of ["first", "second"])
      expect(Networks[network].NetworkID).toBe(
        await box.ok(["network", "inspect", "-f", "{{.ID}}", network]),
      );
    const ended = stopped.map(({ name }) => name.replace("-stopped", ""));
    await box.ok(["stop", "-t", "0", ...ended, "exposed"]);
    for (const shown of stopped) await compare(shown, shown.name.replace("-stopped", ""));
    // Those in another's network before the other.
    await box.ok(["rm", "-f", "-t", "0", ...made.toReversed()]);
    await box.ok(["network", "rm", "first", "second"]);
  },
  120_000,
);
