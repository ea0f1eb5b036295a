/** Fills the small filesystem at ROOT through the store, and tells what happened as JSON: `full-disk.ts ROOT [ROWS]`. */
import { rmSync, writeFileSync } from "node:fs";
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

/** One command's worth of store, closed again as the end of its process would. */
function withState<T>(body: (state: State) => T): T {
  const state = new State(paths);
  try {
    return body(state);
  } finally {
    state.close();
  }
}

const create = (name: string) =>
  attempt(() => withState((state) => state.containers.create({ id: newId(), name, config })));
const remove = (name: string) =>
  attempt(() =>
    withState((state) => state.transaction(() => state.containers.remove(state.containers.resolve(name).id))),
  ) === "done";
const names = () => withState((state) => state.containers.list().map((container) => container.name));

fill();
const first = create("first");
rmSync(ballast);
// With ROWS: as much log as makes the store keep room back.
const rows = Number(process.argv[3] ?? 0);
for (let number = 0; number < rows; number++) create(`row-${number}`);
const roomy = create("kept");
fill();
let full = "done";
let written = 0;
for (; full === "done" && written < 10_000; written++) full = create(`more-${written}`);
const whileFull = names();
const removed = rows === 0 ? 0 : whileFull.filter((name) => name.startsWith("row-")).filter(remove).length;
rmSync(ballast);
const again = create("again");
console.log(JSON.stringify({ first, roomy, full, written, whileFull, removed, again, finally: names() }));
