import { expect, test } from "bun:test";
// @ts-expect-error: plain JavaScript, because it runs before anything is installed
import { grouped } from "../../../scripts/lib/group-commands.mjs";

const load = (name: string) => `load: () => import("./${name}.ts") as unknown,\n`;

test("the commands of a folder share a module, and each entry finds its own in it", () => {
  const { index, groups } = grouped(load("volume/ls") + load("info") + load("volume/rm") + load("volume/ls"));
  expect(groups).toEqual([
    [
      "volume",
      'export { default as c0 } from "./volume/ls.ts";\nexport { default as c1 } from "./volume/rm.ts";\n',
    ],
    ["other", 'export { default as c0 } from "./info.ts";\n'],
  ]);
  const loads = (index as string).match(/group-\w+\.ts.*c\d/g);
  expect(loads).toHaveLength(4);
  expect(loads?.[2]).toBe('group-volume.ts").then((all) => ({ default: all.c1');
  expect(loads?.[3]).toBe(loads?.[0] as string);
});

test("run and the other frequent commands stay alone", () => {
  const text = load("container/run") + load("container/ps") + load("image/images");
  expect(grouped(text)).toEqual({ index: text, groups: [] });
});
