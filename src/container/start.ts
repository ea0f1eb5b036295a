/** From a record to a running container: the spec, the plan, and holdfast. */
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
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
} from "../host/index.ts";
import { parseImageConfig } from "../oci/index.ts";
import {
  type BindFiles,
  bindSources,
  type ClientConfig,
  compiledSeccomp,
  holdfastPath,
  hostDevices,
  kelpCommand,
  type LowerInput,
  lowerSpec,
  type MonitorConfig,
  makeSpec,
  overlayVolumeDirs,
  type Plan,
  resolveUser,
  runtimeFacts,
  specNotices,
  writePlan,
} from "../runtime/index.ts";
import {
  type ContainerConfig,
  type ContainerRecord,
  type Context,
  containerEvent,
  eventLogPath,
  JOURNAL_SOCKET,
  keepsEvents,
  type SdNotifyMode,
  usesJournal,
} from "../state/index.ts";
import { writeBindFiles } from "./bind-files.ts";
import { noteCgroup, prepareCgroup } from "./cgroup.ts";
import { claimStart } from "./claim.ts";
import { forgetHealth } from "./health.ts";
import { healthPlan } from "./health-plan.ts";
import { helperEnvironment } from "./helper-env.ts";
import { refreshNeighbours } from "./hosts.ts";
import { joinedNamespaces } from "./joined.ts";
import { journalFields } from "./journal-fields.ts";
import { prepareNetwork } from "./network.ts";
import { startRootfs } from "./rootfs.ts";
import { prepareSecrets, secretsDir } from "./secrets.ts";
import { servicePart } from "./service.ts";
import { askedPath, pausedPath } from "./status.ts";
import { writeUserFiles } from "./user-db.ts";
import { volumeMounts, volumePaths } from "./volumes.ts";

/** Which command started it; decides what a failure leaves behind and exits with. */
export type StartMode = "run" | "start";

export interface StartOptions {
  readonly client: ClientConfig;
  readonly mode: StartMode;
  /** Descriptors that the process gets beside those of its service manager. */
  readonly preserveFds?: number;
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
  /** Descriptors of the caller's from 3 on that holdfast must get as well. */
  readonly keepFds: number;
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
  const { id, config } = record;
  const directory = containerDir(ctx.paths, id);
  ensureRuntimeDir(ctx.paths);
  for (const path of [directory, liveDir(ctx.paths), goneDir(ctx.paths), containerRunDir(ctx.paths, id)])
    ensureDir(path);
  claimStart(ctx, record, directory);
  const service = servicePart(ctx, record, options.sdnotify);
  // systemd works at the scope while we go on; whoever fails before it is awaited has the say.
  const grouping = prepareCgroup(ctx, record, service.notify !== undefined);
  grouping.catch(() => undefined);
  const networking = prepareNetwork(ctx, record);
  const rootfs = await startRootfs(ctx, record);
  const facts = runtimeFacts();
  const bound = writeBindFiles(ctx, record, networking, rootfs);
  const { users, files: userFiles } = writeUserFiles(ctx, record, rootfs);
  const secrets = await prepareSecrets(ctx, record);
  const secretFiles = Object.fromEntries(
    secrets.files.map(({ destination, source }) => [destination, source]),
  );
  const files = {
    ...bound,
    more: { ...bound.more, ...userFiles, ...secretFiles, ...service.mounts },
  };
  const secretEnv = [...(options.secretEnv ?? []), ...secrets.env];
  const startEnv = [...service.env, ...secretEnv];
  const keepFds = service.fds + (options.preserveFds ?? 0);
  const input = {
    id,
    config: { ...config, env: [...config.env, ...startEnv], mounts: volumeMounts(ctx, config.mounts) },
    user: resolveUser(config.user, config.groupAdd, users),
    facts,
    containerDir: directory,
    files,
    volumes: volumePaths(ctx, config.mounts),
    ...(config.mounts.some(({ type }) => type === "image")
      ? { images: await mountedImageFiles(ctx, record) }
      : {}),
    joined: joinedNamespaces(ctx, record),
    ...(config.tty && options.consoleSize !== undefined ? { consoleSize: options.consoleSize } : {}),
    ...(config.privileged ? { hostDevices: hostDevices() } : {}),
  };
  const spec = makeSpec(input);
  for (const notice of specNotices(input)) log.warn(notice);
  for (const path of overlayVolumeDirs(spec, directory)) mkdirSync(path, { recursive: true, mode: 0o700 });
  const cgroup = await grouping;
  noteCgroup(ctx, id, cgroup);
  const lowerInput: LowerInput = {
    spec,
    cgroup,
    rootfs,
    monitor: { ...monitorConfig(ctx, record, options), notify: service.notify },
    maps: loadIdMaps(),
    paths: ctx.paths,
    facts,
    network: networking.plan,
    fileSources: bindSources(spec),
    seccomp: config.runtime === undefined ? await compiledSeccomp(spec, config) : undefined,
    secrets:
      config.secrets.length === 0
        ? undefined
        : { directory: secretsDir(ctx, id), plan: secretPlanPath(ctx, id), owners: secrets.files },
    health: healthPlan(ctx, record, spec, facts),
    keepFds,
    pidVariable: service.pidVariable,
    createWorkdir: isImageWorkdir(ctx, config),
    ...rootLinks(config, files),
    origins: new Map(config.mounts.map((mount) => [mount.destination, mount.origin ?? ""])),
  };
  const plan = await choosePlan(ctx, id, input.config, lowerInput);
  forgetLastLife(ctx, id);
  forgetHealth(ctx, record);
  const planPath = writePlans(ctx, id, plan, secrets.env.length > 0);
  refreshNeighbours(
    ctx,
    networking.members.map(({ network }) => network),
  );
  if (config.autoRemove) copyPlan(ctx, id, withoutEnvironment(plan, secrets.env.length > 0));
  return { holdfast: holdfastPath(ctx.paths), planPath, keepFds };
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

/** What its last life has left to be known. */
function forgetLastLife(ctx: Context, id: string): void {
  const paths = [
    join(containerDir(ctx.paths, id), "exit"),
    join(containerRunDir(ctx.paths, id), "status"),
    askedPath(ctx, id),
    pausedPath(ctx, id),
  ];
  for (const path of paths) rmSync(path, { force: true });
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

/** In the runtime directory, which is memory. */
function secretPlanPath(ctx: Context, id: string): string {
  return join(containerRunDir(ctx.paths, id), "start.plan");
}

/** The plan on the disk says how a container was started, but no secret. */
function writePlans(ctx: Context, id: string, plan: Plan, isSecret: boolean): string {
  const path = join(containerDir(ctx.paths, id), "plan");
  writePlan(path, withoutEnvironment(plan, isSecret));
  if (!isSecret) return path;
  writePlan(secretPlanPath(ctx, id), plan);
  return secretPlanPath(ctx, id);
}

function withoutEnvironment(plan: Plan, isSecret: boolean): Plan {
  if (!isSecret) return plan;
  const ops = plan.ops.map((op) => (op.op === "execve" ? { ...op, args: { ...op.args, env: [] } } : op));
  return { ...plan, ops };
}

function monitorConfig(ctx: Context, record: ContainerRecord, options: StartOptions): MonitorConfig {
  const { config, id } = record;
  const directory = containerDir(ctx.paths, id);
  const env = helperEnvironment(ctx);
  const { paths } = ctx;
  return {
    id,
    containerDir: directory,
    runDir: containerRunDir(paths, id),
    log: { ...config.log, fields: config.log.driver === "journald" ? journalFields(record) : {} },
    restart: config.restart,
    timeout: config.timeout,
    ...(keepsEvents(ctx) ? { events: eventPlan(ctx, record) } : {}),
    tty: config.tty,
    stdin: !config.openStdin ? "null" : config.stdinOnce ? "once" : "open",
    init: config.init,
    stopSignal: config.stopSignal,
    stopTimeout: config.stopTimeout,
    client: ownStreams(config)
      ? { ...options.client, stdin: false, stdout: false, stderr: false }
      : options.client,
    ...(config.pidFile === undefined ? {} : { pidFile: config.pidFile }),
    ...(config.conmonPidFile === undefined ? {} : { monitorPidFile: config.conmonPidFile }),
    onFailure: {
      argv: [
        ...kelpCommand(),
        "__failed",
        id,
        config.autoRemove ? planCopy(ctx, id) : join(directory, "plan"),
        paths.data,
        paths.runtime,
        options.mode,
      ],
      env,
    },
    ...after(ctx, record, options),
    ...(config.autoRemove ? { remove: removal(ctx, record) } : {}),
  };
}

function eventPlan(ctx: Context, record: ContainerRecord): NonNullable<MonitorConfig["events"]> {
  const { status: _status, ...base } = containerEvent("", record);
  const isJournal = usesJournal(ctx);
  const path = isJournal ? JOURNAL_SOCKET : eventLogPath(ctx);
  return { path, isJournal, maxBytes: ctx.settings.eventsLogMax, base };
}

/** Whether the container's streams are the caller's own, of which no client can have a part. */
function ownStreams({ log: { driver } }: ContainerConfig): boolean {
  return driver === "passthrough" || driver === "passthrough-tty";
}

/** Volumes and images may have found other users by then: that is asked of the database, which only kelp knows. */
function after(
  ctx: Context,
  { config }: ContainerRecord,
  { client }: StartOptions,
): Pick<MonitorConfig, "after"> {
  const image = config.removeImage && !client.attach ? [config.image] : [];
  if (image.length === 0 && !(config.autoRemove && hasAnonymousVolumes(ctx, config))) return {};
  const argv = [...kelpCommand(), "__ended", ctx.paths.data, ctx.paths.runtime, ...image];
  return { after: { argv, env: helperEnvironment(ctx) } };
}

function hasAnonymousVolumes(ctx: Context, config: ContainerConfig): boolean {
  return config.mounts.some(
    ({ type, source }) =>
      type === "volume" && source !== undefined && ctx.state.volumes.get(source)?.anonymous === true,
  );
}

/** Only the image's own WORKDIR is made where it is missing; a wrong --workdir is the user's error. */
function isImageWorkdir(ctx: Context, config: ContainerConfig): boolean {
  const image = config.image === "" ? undefined : ctx.state.images.get(config.image);
  return (
    image !== undefined &&
    parseImageConfig(Buffer.from(image.configJson)).config.WorkingDir === config.workdir
  );
}

/** holdfast reads a plan at once; `__failed` reads the copy as fast. */
const COPY_AGE_MS = 10_000;

function planCopy(ctx: Context, id: string): string {
  return join(ctx.paths.runtime, "plans", id);
}

/** A failed start with --rm takes the container's directory with it, before anybody can read the plan there. */
function copyPlan(ctx: Context, id: string, plan: Plan): void {
  const directory = join(ctx.paths.runtime, "plans");
  ensureDir(directory);
  for (const name of readdirSync(directory)) {
    const found = statSync(join(directory, name), { throwIfNoEntry: false });
    if (found !== undefined && Math.abs(Date.now() - found.mtimeMs) > COPY_AGE_MS)
      rmSync(join(directory, name), { force: true });
  }
  writePlan(planCopy(ctx, id), plan);
}

/** What --rm takes with it, without any kelp running. */
function removal(ctx: Context, { config, id }: ContainerRecord): NonNullable<MonitorConfig["remove"]> {
  return {
    trees: [containerDir(ctx.paths, id), containerRunDir(ctx.paths, id)],
    files: config.cidFile === undefined ? [] : [config.cidFile],
    marker: join(goneDir(ctx.paths), id),
  };
}
