/**
 * Scripts as people have them, which call podman: run once with the real one and once with kelp under that name, they print
 * the same and end with the same status.
 */
import { beforeAll, expect } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  busyboxArchive,
  KELP,
  type RealPodman,
  ROOT,
  realPodman,
  requires,
  run,
  useSandbox,
} from "../support/index.ts";

const box = useSandbox("360-scripts");
const needs = requires("subuid", "overlay", "cgroup2", "busybox", "podman");
const CORPUS = join(ROOT, "test", "fixtures", "scripts");
const scripts = readdirSync(CORPUS)
  .filter((name) => name.endsWith(".sh"))
  .sort();

let podman: RealPodman;
const bins = { kelp: join(box.directory, "kelp-bin"), podman: join(box.directory, "podman-bin") };

beforeAll(async () => {
  if (needs.missing !== undefined) return;
  podman = realPodman(box);
  copyFileSync(await busyboxArchive(), join(box.directory, "busybox.tar"));
  await box.ok(["load", "-q", "-i", "busybox.tar"]);
  await podman.ok(["load", "-q", "-i", "busybox.tar"]);
  for (const directory of Object.values(bins)) mkdirSync(directory);
  symlinkSync(KELP, join(bins.kelp, "podman"));
  const wrapper = join(bins.podman, "podman");
  const words = podman.globals.map((word) => `'${word}'`).join(" ");
  writeFileSync(wrapper, `#!/bin/sh\nexec ${Bun.which("podman")} ${words} "$@"\n`);
  chmodSync(wrapper, 0o755);
}, 60_000);

const VARYING: readonly (readonly [RegExp, string])[] = [
  [/^time=.*\n/gm, ""],
  [/sha256:/g, ""],
  [/\b[0-9a-f]{64}\b/g, "<id>"],
  [/\b[0-9a-f]{12}\b/g, "<id>"],
  [/(?:Less than a|About an?|\d+) (?:second|minute)s?(?: ago)?/g, "<ago>"],
  [/ {2,}/g, "  "],
  [/ +$/gm, ""],
];

async function outcome(name: string, bin: string, env: Readonly<Record<string, string>>) {
  const directory = join(box.directory, `${name}-${bin === bins.kelp ? "kelp" : "podman"}`);
  mkdirSync(directory);
  const file = join(directory, "output");
  const script = `exec sh -e '${join(CORPUS, name)}' </dev/null >'${file}' 2>&1`;
  const path = `${bin}:${box.env.PATH}`;
  const { code } = await run("sh", ["-c", script], {
    cwd: directory,
    env: { ...env, PATH: path, ARCHIVE: join(box.directory, "busybox.tar"), IMAGE: "localhost/busybox" },
    timeout: 120_000,
  });
  let output = (await Bun.file(file).text()).replaceAll(directory, "<here>");
  for (const [pattern, word] of VARYING) output = output.replaceAll(pattern, word);
  return { code, output };
}

for (const name of scripts) {
  needs.test(
    `${name} prints the same with both`,
    async () => {
      const real = await outcome(name, bins.podman, podman.env);
      const ours = await outcome(name, bins.kelp, box.env);
      expect(ours).toEqual(real);
      expect(real.output).not.toBe("");
    },
    240_000,
  );
}

needs.test("there are at least 15 of them", () => {
  expect(scripts.length).toBeGreaterThanOrEqual(15);
});
