/** A new container: everything is checked, then one transaction makes it. */
import { existsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ConflictError, NotFoundError, UsageError } from "../base/index.ts";
import { errnoText } from "../host/index.ts";
import {
  displayName,
  type FoundImage,
  imageNotKnown,
  parsePullPolicy,
  resolveImage,
  wantedPlatform,
} from "../image/index.ts";
import { requireNetwork } from "../network/index.ts";
import {
  type ContainerConfig,
  type ContainerRecord,
  type Context,
  containerEvent,
  type MountConfig,
  type NewEvent,
  newId,
  writeEvent,
} from "../state/index.ts";
import { checkCgroup } from "./cgroup.ts";
import { buildConfig, checkCombinations } from "./config.ts";
import { copyUpVolumes } from "./copy-up.ts";
import type { CreateRequest } from "./create-options.ts";
import { platformWarnings } from "./emulators.ts";
import { pinImages } from "./image-mounts.ts";
import { checkContainerName } from "./name.ts";
import { driverName } from "./rootfs.ts";
import { secretUses } from "./secrets.ts";
import { isGone, sweepMarked, thisProcess } from "./sweep.ts";
import { ensureVolumes } from "./volumes.ts";

export interface Created {
  readonly record: ContainerRecord;
  /** Lines for the user, in the order in which they were noticed. */
  readonly warnings: readonly string[];
}

/**
 * Resolves the image, decides everything and records it; nothing runs and no directory is made yet (`start` makes them).
 *
 * @throws {ConflictError} `name-in-use`
 */
export async function createContainer(ctx: Context, request: CreateRequest): Promise<Created> {
  ctx.state.expectWrites();
  const { options } = request;
  const name =
    options.name === undefined || options.name === "" ? undefined : checkContainerName(options.name);
  checkCombinations(options, request.given);
  const id = newId();
  const imageless = options.rootfs === true || request.step !== undefined;
  const found = imageless ? undefined : await findImage(ctx, request);
  const storageDriver = driverName(ctx);
  if (ctx.state.containers.goneWithRemains().length > 0) await sweepMarked(ctx);
  const built = buildConfig(ctx, {
    id,
    request,
    image: found?.record,
    imageName: found === undefined ? (request.step === undefined ? "" : request.image) : displayName(found),
    storageDriver,
  });
  checkCgroup(ctx, built.config);
  checkCidFile(built.config.cidFile);
  if (options.replace === true) await replaceContainer(ctx, name);
  const secrets = await secretUses(ctx, options.secret ?? []);
  const mounts = await pinImages(ctx, withNames(built.config.mounts, request.unnamedVolumes));
  const config = { ...owned(built.config, request), mounts, secrets };
  const record = await insert(ctx, id, name, config);
  if (found !== undefined)
    await copyUpVolumes(ctx, { image: found.record, ownIds: record.config.ownIds }, record.config.mounts);
  if (built.config.cidFile !== undefined) writeFileSync(built.config.cidFile, id);
  writeEvent(ctx, { ...containerEvent("create", record), ...(await inspectData(ctx, record)) });
  return { record, warnings: [...built.warnings, ...platformWarnings(config, request)] };
}

function withNames(mounts: readonly MountConfig[], names: ReadonlyMap<string, string> = new Map()) {
  return mounts.map((mount) => {
    const source = mount.type === "volume" ? (mount.source ?? names.get(mount.destination)) : mount.source;
    return source === undefined ? mount : { ...mount, source };
  });
}

async function inspectData(ctx: Context, record: ContainerRecord): Promise<Pick<NewEvent, "inspectData">> {
  if (!ctx.settings.eventsInspectData) return {};
  const [{ inspectContainer }, { containerSizes }, { viewOf }] = await Promise.all([
    import("./inspect.ts"),
    import("./size.ts"),
    import("./status.ts"),
  ]);
  const { own, total } = (await containerSizes(ctx, [record])).get(record.id)!;
  const data = inspectContainer(ctx, viewOf(ctx, record), { sizeRw: own, sizeRootFs: total });
  return { inspectData: JSON.stringify(data) };
}

/** What nobody would miss belongs to the process that made it. */
function owned(config: ContainerConfig, { starts, step }: CreateRequest): ContainerConfig {
  return (starts === true && config.autoRemove) || step !== undefined
    ? { ...config, creator: thisProcess() }
    : config;
}

/** A name that only an ended --rm container still has is free. */
async function insert(
  ctx: Context,
  id: string,
  name: string | undefined,
  config: ContainerConfig,
): Promise<ContainerRecord> {
  const attempt = () =>
    ctx.state.transaction(
      () => {
        requireParts(ctx, config);
        const mounts = ensureVolumes(ctx, config.mounts);
        return ctx.state.containers.create({ id, name, config: { ...config, mounts } });
      },
      { durable: !config.autoRemove },
    );
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof ConflictError) || error.code !== "name-in-use") throw error;
    const holder = name === undefined ? undefined : ctx.state.containers.byName(name);
    if (holder !== undefined && isGone(ctx, holder)) {
      await sweepMarked(ctx);
      return attempt();
    }
    throw new ConflictError(
      "name-in-use",
      `creating container storage: ${error.message}, or use --replace to instruct kelp to do so.`,
      { cause: error },
    );
  }
}

/** In the transaction that records the container: what it is made of may have been removed since it was found. */
export function requireParts(
  ctx: Context,
  { image, imageName, network, dependencies }: ContainerConfig,
): void {
  if (image !== "" && !ctx.state.images.has(image)) throw imageNotKnown(ctx, imageName);
  for (const { name } of network.networks) requireNetwork(ctx, name);
  for (const id of dependencies) if (!ctx.state.containers.has(id)) throw ctx.state.containers.missing(id);
}

/** An image that is there and may be taken as it is costs no look at any registry. */
export async function findImage(ctx: Context, request: CreateRequest): Promise<FoundImage> {
  const { image, options, fetch } = request;
  const policy = parsePullPolicy(options.pull || ctx.settings.pullPolicy);
  const platform = wantedPlatform(options);
  const local = policy === "missing" && platform === undefined;
  if (fetch === undefined || policy === "never") return resolveImage(ctx, image);
  if (local) {
    try {
      return await resolveImage(ctx, image);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
  }
  if (request.starts === true) await (await import("./ports-free.ts")).refuseTakenPorts(ctx, options);
  return fetch(image, policy, platform);
}

async function replaceContainer(ctx: Context, name: string | undefined): Promise<void> {
  if (name === undefined)
    throw new UsageError("missing-name", "cannot replace container without --name being set");
  const old = ctx.state.containers.byName(name);
  if (old === undefined) return;
  const { removeContainer } = await import("./remove.ts");
  await removeContainer(ctx, old, { force: true });
}

function checkCidFile(path: string | undefined): void {
  if (path === undefined || existsSync(dirname(path))) return;
  throw new UsageError("cidfile", `open ${path}: ${errnoText("ENOENT")}`);
}
