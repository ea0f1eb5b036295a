/** Fills the small filesystem at ROOT through the store, and tells what happened as JSON: `full-disk.ts ROOT`. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KelpError } from "../../../src/base/index.ts";
import { resolvePaths } from "../../../src/host/index.ts";
import { type ContainerConfig, newId, State } from "../../../src/state/index.ts";

const root = process.argv[2] as string;
const paths = resolvePaths({ root: join(root, "data"), runroot: join(root, "run") });
const ballast = join(root, "ballast");

function attempt(body: () => void): string {
  try {
    body();
    return "done";
  } catch (error) {
    return error instanceof KelpError ? error.code : String(error);
  }
}

function fill(): void {
  for (let size = 65536; size >= 1; size = size >> 1) {
    attempt(() => {
      for (;;) writeFileSync(ballast, Buffer.alloc(size), { flag: "a" });
    });
  }
}

const config = {
  image: "",
  autoRemove: false,
  mounts: [],
  env: ["X=".padEnd(3000, "x")],
} as unknown as ContainerConfig;
const create = (state: State, name: string) =>
  attempt(() => state.containers.create({ id: newId(), name, config }));

fill();
const first = create(new State(paths), "first");
rmSync(ballast);
const state = new State(paths);
const roomy = create(state, "kept");
fill();
let full = "done";
let written = 0;
for (; full === "done" && written < 10_000; written++) full = create(state, `more-${written}`);
const reader = new State(paths);
const readable = attempt(() => reader.containers.resolve("kept"));
const listed = attempt(() => reader.containers.list());
rmSync(ballast);
const again = create(state, "again");
const names = new State(paths).containers.list().map((container) => container.name);
state.close();
const header = readFileSync(join(paths.data, "kelp.db")).subarray(0, 15).toString();
console.log(JSON.stringify({ first, roomy, full, written, readable, listed, again, names, header }));
