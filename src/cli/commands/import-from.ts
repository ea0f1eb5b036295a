import { dirname, join } from "node:path";
import { KelpError, UsageError } from "../../base/index.ts";
import { hostEnvironment } from "../../config/index.ts";
import { loadArchive } from "../../image/index.ts";
import { type Context, openContext } from "../../state/index.ts";
import {
  openPodmanStore,
  type PodmanRecords,
  type PodmanStore,
  readNetworks,
  readRecords,
  takeOverImage,
  takeOverVolume,
  withScratch,
} from "../../system/index.ts";
import { defineCommand, type Io } from "../command.ts";
import { reportFailure } from "../exit.ts";

const SOURCES = ["podman", "docker-archive"] as const;

export default defineCommand({
  paths: [["import-from"]],
  summary:
    "Take over images, volumes, networks and stopped containers of podman, or images of docker's archives",
  description: `podman's store is read from its files and stays as it is. Images keep their IDs and names, volumes their files, owners
  and labels, networks their addresses; containers that do not run are made anew by the command line podman has noted for them, without the files
  they changed. What is in kelp's store already under the same name is left alone.`,
  usage: "[options] SOURCE [FILE...]",
  examples: [
    ["kelp import-from podman", "Everything of this user's podman"],
    ["kelp import-from --dry-run podman", "Only say what would be taken over"],
    ["kelp import-from docker-archive images.tar", "The images that docker save wrote"],
  ],
  options: {
    "dry-run": { kind: "boolean", short: "n", text: "Only print what would be taken over" },
    store: {
      kind: "string",
      value: "DIR",
      text: "podman's store, if it is not ~/.local/share/containers/storage",
      completes: "dir",
    },
  },
  args: { min: 1, completes: { each: [SOURCES, "file"] } },
  async run({ options, args, io, globals }) {
    const [source, ...files] = args;
    const ctx = await openContext(globals);
    if (source === "docker-archive") return fromArchives(ctx, io, files);
    if (source !== "podman")
      throw new UsageError("unknown-source", `cannot import from ${JSON.stringify(source)}`, {
        hint: `sources: ${SOURCES.join(", ")}`,
      });
    if (files.length > 0) throw new UsageError("wrong-argument-count", "podman takes no files");
    const root = options.store ?? defaultStore(ctx);
    return fromPodman({ ctx, io, dry: options["dry-run"], store: openPodmanStore(root) });
  },
});

async function fromArchives(ctx: Context, io: Io, files: readonly string[]): Promise<number> {
  if (files.length === 0)
    throw new UsageError("wrong-argument-count", "docker-archive requires at least 1 file");
  for (const file of files) {
    for (const { record, names } of await loadArchive(ctx, { from: file, stdin: () => io.stdin() }))
      io.out(`image ${names[0] ?? record.id.slice(0, 12)}\n`);
  }
  return 0;
}

/** kelp's own data lies beside podman's unless --root moves it. */
function defaultStore(ctx: Context): string {
  const { XDG_DATA_HOME, HOME } = hostEnvironment();
  const data =
    XDG_DATA_HOME || (HOME === undefined ? dirname(ctx.paths.data) : join(HOME, ".local", "share"));
  return join(data, "containers", "storage");
}

interface Import {
  readonly ctx: Context;
  readonly io: Io;
  readonly dry: boolean;
  readonly store: PodmanStore;
}

async function fromPodman(job: Import): Promise<number> {
  return withScratch(job.ctx, async (scratch) => {
    // What the database says is not needed for images, and a broken one does not keep them.
    const images = await takeImages(job, scratch);
    const records = readRecords(job.store.root, scratch);
    return Math.max(
      images,
      await takeVolumes(job, records, scratch),
      await takeNetworks(job),
      await takeContainers(job, records),
    );
  });
}

/** Says what was done, or what could not be; one failure does not end the rest. */
async function attempt(
  job: Import,
  what: string,
  isThere: boolean,
  work: () => Promise<unknown>,
): Promise<number> {
  const { io, dry } = job;
  if (isThere) {
    io.out(`${what} is here already\n`);
    return 0;
  }
  try {
    if (!dry) await work();
    io.out(`${what}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof KelpError)) throw error;
    const { message } = error;
    return reportFailure(
      new UsageError("not-imported", `cannot take over ${what}: ${message}`, { cause: error }),
      io,
      false,
    );
  }
}

async function takeImages(job: Import, scratch: string): Promise<number> {
  const { ctx, store } = job;
  let status = 0;
  for (const image of store.images) {
    const known = ctx.state.images.get(image.id);
    const isThere = known !== undefined && image.names.every((name) => known.names.includes(name));
    const what = `image ${image.names[0] ?? image.id.slice(0, 12)}`;
    status = Math.max(
      status,
      await attempt(job, what, isThere, () => takeOverImage(ctx, store, image, scratch)),
    );
  }
  return status;
}

async function takeVolumes(job: Import, { volumes }: PodmanRecords, scratch: string): Promise<number> {
  let status = 0;
  for (const volume of volumes) {
    const isThere = job.ctx.state.volumes.get(volume.name) !== undefined;
    const work = () => takeOverVolume(job.ctx, volume, scratch);
    status = Math.max(status, await attempt(job, `volume ${volume.name}`, isThere, work));
  }
  return status;
}

/** With their addresses: containers may have some of their own. */
async function takeNetworks(job: Import): Promise<number> {
  const { createNetwork, findNetwork } = await import("../../network/index.ts");
  let status = 0;
  for (const network of readNetworks(job.store.root)) {
    const isThere = findNetwork(job.ctx, network.name) !== undefined;
    const work = async () => createNetwork(job.ctx, network);
    status = Math.max(status, await attempt(job, `network ${network.name}`, isThere, work));
  }
  return status;
}

async function takeContainers(job: Import, { containers }: PodmanRecords): Promise<number> {
  const { recreateContainer } = await import("../take-over.ts");
  let status = 0;
  for (const container of containers) {
    const isThere = job.ctx.state.containers.byName(container.name) !== undefined;
    const work = async () => {
      if (container.isRunning) throw new UsageError("still-running", "it runs; stop it first");
      await recreateContainer(job.ctx, container);
    };
    status = Math.max(status, await attempt(job, `container ${container.name}`, isThere, work));
  }
  return status;
}
