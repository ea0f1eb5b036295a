/**
 * Writes to a store until it is killed or has written COUNT times: `state-writer.ts ROOT TAG COUNT`.
 * A line on standard output is an acknowledgement: what it names must be there afterwards.
 */
import { mkdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { layersDir, resolvePaths } from "../../../src/host/index.ts";
import { type ContainerConfig, newId, State } from "../../../src/state/index.ts";

const [root, tag, count] = process.argv.slice(2) as [string, string, string];
const paths = resolvePaths({ root: join(root, "data"), runroot: join(root, "run") });
const state = new State(paths);
mkdirSync(paths.runtime, { recursive: true });

function write(name: string, autoRemove: boolean): void {
  const config = {
    image: "",
    autoRemove,
    mounts: [],
    env: ["X=".padEnd(1500, "x")],
  } as unknown as ContainerConfig;
  state.transaction(
    () => {
      state.containers.create({ id: newId(), name, config });
      state.volumes.create({
        name,
        created: 0,
        driver: "local",
        labels: {},
        options: {},
        anonymous: true,
        mountpoint: "",
      });
    },
    { durable: !autoRemove },
  );
}

function writeLayer(name: string): void {
  state.layers.create({ diffId: name, chainId: name, size: 0 }, (row) =>
    mkdirSync(join(layersDir(paths), String(row)), { recursive: true }),
  );
}

for (let i = 0; i < Number(count); i++) {
  const name = `${tag}-${i}`;
  write(name, i % 2 === 0);
  writeLayer(name);
  if (i % 5 === 4) state.containers.remove(state.containers.resolve(`${tag}-${i - 4}`).id);
  writeSync(1, `${name}\n`);
}
