/** From a record to a running container: the spec, the plan, and holdfast. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type KelpError, log } from "../base/index.ts";
import {
  containerDir,
  containerRunDir,
  ensureDir,
  ensureRuntimeDir,
  goneDir,
  liveDir,
  loadIdMaps,
  recordRuntime,
} from "../host/index.ts";
import { parseImageConfig, type RuntimeSpec } from "../oci/index.ts";
import {
  type BindFiles,
  bindSources,
  type CgroupConfig,
  compiledSeccomp,
  holdfastPath,
  hostDevices,
  type LowerInput,
  logLossPath,
  lowerSpec,
  makeSpec,
  overlayVolumeDirs,
  type Plan,
  type RuntimeFacts,
  resolveUser,
  runtimeFacts,
  type SpecInput,
  specNotices,
  type UserFiles,
} from "../runtime/index.ts";
import type {
  ContainerConfig,
  ContainerRecord,
  Context,
  RootfsSource,
  SdNotifyMode,
} from "../state/index.ts";
import { bringBack } from "../storage/index.ts";
import { writeBindFiles } from "./bind-files.ts";
import { noteCgroup, prepareCgroup } from "./cgroup.ts";
import { claimStart } from "./claim.ts";
import { emulatorRules } from "./emulators.ts";
import { forgetHealth } from "./health.ts";
import { healthPlan } from "./health-plan.ts";
import { joinedNamespaces } from "./joined.ts";
import { type KeptFds, keptNumbers, keptSpan } from "./kept-fds.ts";
import { refreshNeighbours } from "./neighbours.ts";
import { type Networking, prepareNetwork } from "./network.ts";
import { startRootfs } from "./rootfs.ts";
import { prepareSecrets, type ReadySecrets, secretsDir } from "./secrets.ts";
import { NO_SERVICE, type ServicePart, servicePart } from "./service.ts";
import { monitorConfig, type Starter } from "./start-monitor.ts";
import { secretPlanPath, writePlans } from "./start-plans.ts";
import { askedPath, pausedPath } from "./status.ts";
import { writeUserFiles } from "./user-db.ts";
import { volumeMounts, volumePaths } from "./volumes.ts";

export interface StartOptions extends Starter {
  /** Descriptors that the process gets beside those of its service manager. */
  readonly preserveFds?: KeptFds;
  /** Who says that the service is ready, where not the record says it. */
  readonly sdnotify?: SdNotifyMode | undefined;
  /** `NAME=value` for the process that no record has. */
  readonly secretEnv?: readonly string[];
  /** Of the caller's terminal, for a container that has one. */
  readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
}

export interface Prepared {
  readonly holdfast: string;
  readonly planPath: string;
  /** Descriptors of the caller's that holdfast must get as well. */
  readonly keepFds: readonly number[];
  /** Asked after the end, where a status alone does not tell whose it is. */
  readonly failure?: () => KelpError | undefined;
}

/**
 * Writes everything the start needs; the caller then becomes holdfast (`startPlan`) or runs it (`runPlan`).
 *
 * @throws {ConflictError} if the container runs or is being started by somebody else
 */
export async function prepareStart(
  ctx: Context,
  record: ContainerRecord,
  options: StartOptions,
): Promise<Prepared> {
  const { id } = record;
  ctx.state.transaction(
    () => {
      bringBack(ctx, id);
      claimStart(ctx, record);
      makePlaces(ctx, id);
    },
    { durable: false },
  );
  // Nobody's service is what somebody else will start.
  const service = options.hold ? NO_SERVICE : servicePart(ctx, record, options.sdnotify);
  // systemd works at the scope while we go on; whoever fails before it is awaited has the say.
  const grouping = prepareCgroup(ctx, record, service.notify !== undefined);
  grouping.catch(() => undefined);
  const parts = await gatherParts(ctx, record, service);
  const input = await specInput(ctx, record, parts, options);
  const spec = specOf(input);
  const cgroup = await grouping;
  noteCgroup(ctx, id, cgroup);
  const lowering = await lowerInput(ctx, record, parts, { spec, cgroup, options });
  const plan = await choosePlan(ctx, id, input.config, lowering);
  forgetLastLife(ctx, record);
  const planPath = writePlans(ctx, record, plan, {
    isSecret: parts.secrets.env.length > 0,
    isHeld: options.hold === true,
  });
  refreshNeighbours(
    ctx,
    parts.networking.members.map(({ network }) => network),
  );
  const keepFds = keptNumbers(service.fds, options.preserveFds);
  return { holdfast: holdfastPath(ctx.paths), planPath, keepFds };
}

function makePlaces({ paths }: Context, id: string): void {
  ensureRuntimeDir(paths);
  recordRuntime(paths);
  for (const path of [containerDir(paths, id), liveDir(paths), goneDir(paths), containerRunDir(paths, id)])
    ensureDir(path);
}

/** What a start takes, makes or finds out before anything can be decided. */
interface Parts {
  readonly service: ServicePart;
  readonly networking: Networking;
  readonly rootfs: RootfsSource;
  readonly facts: RuntimeFacts;
  readonly files: BindFiles;
  readonly users: UserFiles;
  readonly secrets: ReadySecrets;
}

async function gatherParts(ctx: Context, record: ContainerRecord, service: ServicePart): Promise<Parts> {
  const networking = prepareNetwork(ctx, record);
  const rootfs = await startRootfs(ctx, record);
  const facts = runtimeFacts();
  const bound = writeBindFiles(ctx, record, networking, rootfs);
  const { users, files: userFiles } = writeUserFiles(ctx, record, rootfs);
  const secrets = await prepareSecrets(ctx, record);
  const secretFiles = Object.fromEntries(
    secrets.files.map(({ destination, source }) => [destination, source]),
  );
  const files = { ...bound, more: { ...bound.more, ...userFiles, ...secretFiles, ...service.mounts } };
  return { service, networking, rootfs, facts, files, users, secrets };
}

async function specInput(
  ctx: Context,
  record: ContainerRecord,
  { service, facts, files, users, secrets }: Parts,
  { secretEnv = [], consoleSize }: StartOptions,
): Promise<SpecInput> {
  const { id, config } = record;
  const env = [...config.env, ...service.env, ...secretEnv, ...secrets.env];
  const mountsImages = config.mounts.some(({ type }) => type === "image");
  return {
    id,
    config: { ...config, env, mounts: volumeMounts(ctx, config.mounts) },
    user: resolveUser(config.user, config.groupAdd, users),
    facts,
    containerDir: containerDir(ctx.paths, id),
    files,
    volumes: volumePaths(ctx, config.mounts),
    ...(mountsImages ? { images: await mountedImageFiles(ctx, record) } : {}),
    joined: joinedNamespaces(ctx, record),
    ...(config.tty && consoleSize !== undefined ? { consoleSize } : {}),
    ...(config.privileged ? { hostDevices: hostDevices() } : {}),
  };
}

function specOf(input: SpecInput): RuntimeSpec {
  const spec = makeSpec(input);
  for (const notice of specNotices(input)) log.warn(notice);
  for (const path of overlayVolumeDirs(spec, input.containerDir))
    mkdirSync(path, { recursive: true, mode: 0o700 });
  return spec;
}

interface Decided {
  readonly spec: RuntimeSpec;
  readonly cgroup: CgroupConfig | undefined;
  readonly options: StartOptions;
}

async function lowerInput(
  ctx: Context,
  record: ContainerRecord,
  { service, networking, rootfs, facts, files, secrets }: Parts,
  { spec, cgroup, options }: Decided,
): Promise<LowerInput> {
  const { id, config } = record;
  return {
    spec,
    cgroup,
    rootfs,
    monitor: monitorConfig(ctx, record, options, service.notify),
    maps: loadIdMaps(),
    paths: ctx.paths,
    facts,
    network: networking.plan,
    fileSources: bindSources(spec),
    emulators: emulatorRules(ctx, config.architecture),
    seccomp: config.runtime === undefined ? await compiledSeccomp(spec, config) : undefined,
    secrets:
      config.secrets.length === 0
        ? undefined
        : { directory: secretsDir(ctx, id), plan: secretPlanPath(ctx, id), owners: secrets.files },
    health: healthPlan(ctx, record, spec, facts),
    keepFds: keptSpan(keptNumbers(service.fds, options.preserveFds), config.runtime),
    pidVariable: service.pidVariable,
    createWorkdir: isImageWorkdir(ctx, config),
    ...rootLinks(config, files),
    origins: new Map(config.mounts.map((mount) => [mount.destination, mount.origin ?? ""])),
  };
}

/** A directory of the user's and the steps of a build keep what they have. */
function rootLinks(
  { rootfs, layers }: ContainerConfig,
  { localtimeLink }: BindFiles,
): Pick<LowerInput, "links" | "missingLinks"> {
  const isOurs = rootfs === undefined && layers === undefined;
  return {
    ...(isOurs ? { missingLinks: { "/etc/mtab": "/proc/mounts" } } : {}),
    ...(localtimeLink === undefined ? {} : { links: { "/etc/localtime": localtimeLink } }),
  };
}

async function mountedImageFiles(ctx: Context, record: ContainerRecord) {
  const [{ imageFiles }, { ensureEmptyLayer }] = await Promise.all([
    import("./image-mounts.ts"),
    import("./mounted.ts"),
  ]);
  ensureEmptyLayer(ctx);
  return imageFiles(ctx, record);
}

/** Only the image's own WORKDIR is made where it is missing; a wrong --workdir is the user's error. */
function isImageWorkdir(ctx: Context, config: ContainerConfig): boolean {
  const image = config.image === "" ? undefined : ctx.state.images.get(config.image);
  return (
    image !== undefined &&
    parseImageConfig(Buffer.from(image.configJson)).config.WorkingDir === config.workdir
  );
}

/** What its last life has left to be known. */
function forgetLastLife(ctx: Context, record: ContainerRecord): void {
  const { id } = record;
  const paths = [
    join(containerDir(ctx.paths, id), "exit"),
    join(containerRunDir(ctx.paths, id), "status"),
    logLossPath(containerRunDir(ctx.paths, id)),
    askedPath(ctx, id),
    pausedPath(ctx, id),
  ];
  for (const path of paths) rmSync(path, { force: true });
  forgetHealth(ctx, record);
}

async function choosePlan(
  ctx: Context,
  id: string,
  { runtime, ...config }: ContainerConfig,
  input: LowerInput,
): Promise<Plan> {
  if (runtime === undefined) return lowerSpec(input);
  const { externalPlan } = await import("./external.ts");
  return externalPlan(ctx, { ...config, runtime }, id, input);
}
