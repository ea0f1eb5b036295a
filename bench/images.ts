/**
 * Pull, load, save, commit and the listing of many images, beside the floor: `gzip -dc LAYER | tar x` of the same layers.
 * Both engines pull from Debian's docker-registry on loopback.
 */
import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startRegistry } from "../test/support/docker-registry.ts";
import { type Engine, scratch } from "./engines.ts";
import {
  archiveImage,
  archiveManyImages,
  type BenchImage,
  LayerMaker,
  manySmallFiles,
} from "./image-data.ts";
import { peakMemory } from "./memory.ts";
import { IMAGE, type Peer, type Scenario } from "./scenarios.ts";

const MB = 1_000_000;
const SMALL_FILES = 20_000;
const MANY_IMAGES = 500;

export interface Group {
  readonly scenarios: readonly Scenario[];
  /** What is no time: printed after the table. */
  report?(engines: readonly Engine[], only: string): Promise<void>;
  /** The report looks at --only by itself; otherwise one that names something else leaves it out. */
  readonly selective?: boolean;
  close(): void;
}

export async function imageGroup(work: string, engines: readonly Engine[]): Promise<Group> {
  const data = join(work, "images");
  mkdirSync(data);
  const maker = new LayerMaker(data);
  const images = [
    archiveImage(data, "one", [maker.make(300 * MB, 30 * MB)]),
    archiveImage(
      data,
      "ten",
      Array.from({ length: 10 }, () => maker.make(50 * MB, 10 * MB)),
    ),
    archiveImage(
      data,
      "forty",
      Array.from({ length: 40 }, () => maker.make(MB, 100_000)),
    ),
  ] as const;
  const many = archiveManyImages(data, maker.make(100_000, 50_000), MANY_IMAGES);
  const small = manySmallFiles(data, SMALL_FILES);
  readable(data);
  const registry = await startRegistry(scratch("registry", "/var/tmp"));
  const publisher = engines[0] as Engine;
  for (const image of images) publish(publisher, image, registry.host);
  const floors = scratch("floor", "/var/tmp");
  const pulls = images.map((image) => pull(image, registry.host, floor(image, floors)));
  const [one, ten] = images;
  return {
    scenarios: [
      ...pulls,
      load(one, floor(one, floors)),
      load(ten, floor(ten, floors)),
      save(ten),
      commit(small, floors),
      listing(many),
    ],
    report: (list) => reportMemory(list, `${registry.host}/ten:latest`),
    close() {
      registry.stop();
      rmSync(floors, { recursive: true, force: true });
    },
  };
}

function readable(directory: string): void {
  chmodSync(directory, 0o755);
  for (const name of readdirSync(directory)) chmodSync(join(directory, name), 0o644);
}

function publish(engine: Engine, { name, archive }: BenchImage, host: string): void {
  engine.run(["load", "-q", "-i", archive]);
  engine.run(["push", "-q", "--tls-verify=false", `localhost/${name}:latest`, `${host}/${name}:latest`]);
  engine.run(["rmi", "-f", `localhost/${name}:latest`]);
}

/** What unpacking costs without a store, a registry or a digest: one layer after the other. */
function floor({ layers }: BenchImage, parent: string): Peer {
  const target = join(parent, "tree");
  return {
    name: "gzip -dc | tar x",
    run: () => {
      for (const { path } of layers)
        Bun.spawnSync(["sh", "-c", `mkdir -p '${target}' && gzip -dc '${path}' | tar -xf - -C '${target}'`]);
    },
    tidy: () => rmSync(target, { recursive: true, force: true }),
  };
}

function pull({ name, layers }: BenchImage, host: string, peer: Peer): Scenario {
  const reference = `${host}/${name}:latest`;
  return {
    name: `pull, ${name === "one" ? "1 layer of 300 MB" : `${layers.length} layers, ${name}`}`,
    rounds: 5,
    peers: [peer],
    measure: (engine) => void engine.run(["pull", "-q", "--tls-verify=false", reference]),
    tidy: (engine) => void engine.run(["rmi", "-f", reference]),
  };
}

function load({ name, archive, layers }: BenchImage, peer: Peer): Scenario {
  return {
    name: `load, ${layers.length} layers, ${name}`,
    rounds: 5,
    peers: [peer],
    measure: (engine) => void engine.run(["load", "-q", "-i", archive]),
    tidy: (engine) => void engine.run(["rmi", "-f", `localhost/${name}:latest`]),
  };
}

function save({ name, archive }: BenchImage): Scenario {
  const reference = `localhost/${name}:latest`;
  return {
    name: "save, 10 layers",
    rounds: 5,
    prepare: (engine) => void engine.run(["load", "-q", "-i", archive]),
    measure: (engine) => void engine.run(["save", "-q", "-o", "saved.tar", reference]),
    tidy: (engine) => rmSync(join(engine.home, "saved.tar")),
    finish: (engine) => void engine.run(["rmi", "-f", reference]),
  };
}

/** Against `tar c | gzip` of the same files: what podman makes of a commit is a compressed layer. */
function commit(small: string, parent: string): Scenario {
  const tree = join(parent, "committed");
  mkdirSync(tree);
  Bun.spawnSync(["tar", "-xf", small, "-C", tree]);
  const unpack = "mkdir /data && tar -xf /small.tar -C /data";
  return {
    name: `commit, ${SMALL_FILES} files`,
    rounds: 5,
    peers: [
      {
        name: "tar c | gzip",
        run: () => void Bun.spawnSync(["sh", "-c", `tar -C '${tree}' -c . | gzip >/dev/null`]),
      },
    ],
    prepare: (engine) =>
      void engine.run([
        "run",
        "--name",
        "many",
        "--network",
        "none",
        "-v",
        `${small}:/small.tar:ro`,
        IMAGE,
        "sh",
        "-c",
        unpack,
      ]),
    measure: (engine) => void engine.run(["commit", "-q", "many", "localhost/committed:latest"]),
    tidy: (engine) => void engine.run(["rmi", "-f", "localhost/committed:latest"]),
    finish: (engine) => void engine.run(["rm", "-f", "many"]),
  };
}

function listing(many: string): Scenario {
  return {
    name: `images, ${MANY_IMAGES} of them`,
    prepare: (engine) => void engine.run(["load", "-q", "-i", many]),
    measure: (engine) => void engine.run(["images"]),
  };
}

async function reportMemory(engines: readonly Engine[], reference: string): Promise<void> {
  for (const engine of engines) {
    const peak = await peakMemory(() => engine.start(["pull", "-q", "--tls-verify=false", reference]));
    engine.run(["rmi", "-f", reference]);
    console.log(
      `peak memory of a pull of 10 layers (goal 150 MB), ${engine.name}: ${(peak / 1000).toFixed(0)} MB proportional`,
    );
  }
}
