/**
 * Directories of quadlets in test/golden/quadlet, each with the units that it becomes, its links and the files that are
 * refused. After a wanted change: KELP_UPDATE_GOLDEN=1 bun test test/unit/systemd, and read the diff.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OptionTable } from "../../../src/cli/command.ts";
import BUILD from "../../../src/cli/commands/image/build.ts";
import PULL from "../../../src/cli/commands/image/pull.ts";
import NETWORK from "../../../src/cli/commands/network/create.ts";
import VOLUME from "../../../src/cli/commands/volume/create.ts";
import { RUN_OPTIONS } from "../../../src/cli/options/create.ts";
import { findQuadlets, generateUnits, readQuadlets } from "../../../src/systemd/index.ts";
import { KEYS } from "../../../src/systemd/quadlet/keys.ts";

const FOLDER = join(import.meta.dirname, "../../golden/quadlet");
const update = process.env.KELP_UPDATE_GOLDEN === "1";

function translated(directory: string): string {
  const found = findQuadlets([directory]);
  const { quadlets, problems } = readQuadlets(found);
  const generated = generateUnits(quadlets, {
    command: "/usr/bin/kelp",
    user: true,
    exists: (path) => path === "/dev/there",
  });
  const units = generated.units.map(
    ({ name, text, links }) =>
      `---${name}---\n${text}${links.map(({ path, target }) => `# link ${path} -> ${target}\n`).join("")}`,
  );
  const refused = [...problems, ...generated.problems].map(({ message }) => `refused: ${message}\n`).sort();
  return [...units, ...refused].join("\n").replaceAll(directory, "/quadlets");
}

describe("a directory of quadlets becomes the units kept for it:", () => {
  for (const name of readdirSync(FOLDER).filter((entry) => !entry.endsWith(".units"))) {
    test(name, () => {
      const path = join(FOLDER, `${name}.units`);
      const text = translated(join(FOLDER, name));
      if (update) writeFileSync(path, text);
      expect(text).toBe(existsSync(path) ? readFileSync(path, "utf8") : "");
    });
  }
});

test("every flag a key becomes is one that the command has and honours", () => {
  const tables: Record<keyof typeof KEYS, OptionTable> = {
    container: RUN_OPTIONS,
    volume: VOLUME.options,
    network: NETWORK.options,
    image: PULL.options,
    build: BUILD.options,
  };
  const wrong = Object.entries(KEYS).flatMap(([type, rules]) =>
    Object.entries(rules)
      .filter(([, { flag }]) => flag !== undefined)
      .filter(([, { flag }]) => {
        const option = tables[type as keyof typeof KEYS][flag!.slice(2)];
        return option === undefined || option.unsupported !== undefined;
      })
      .map(([key, { flag }]) => `${type}: ${key} ${flag}`),
  );
  expect(wrong).toEqual([]);
  const alone = Object.entries(KEYS).flatMap(([type, rules]) =>
    Object.values(rules)
      .filter(({ kind }) => kind === "value" || kind === "each" || kind === "words")
      .filter(({ flag }) => tables[type as keyof typeof KEYS][flag!.slice(2)]?.bare !== undefined)
      .map(({ flag }) => `${type} ${flag}`),
  );
  expect(alone).toEqual([]);
});
