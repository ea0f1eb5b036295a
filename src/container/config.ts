/** From the flags, the settings and the image to the record of a container. */
import { existsSync } from "node:fs";
import { hostname as machineName } from "node:os";
import { resolve } from "node:path";
import { parseSize, UsageError } from "../base/index.ts";
import { hostArchitecture, normaliseArchitecture } from "../image/index.ts";
import { type ImageRunConfig, parseImageConfig } from "../oci/index.ts";
import { applicableSysctls, readUserFiles } from "../runtime/index.ts";
import type { ContainerConfig, Context, ImageRecord } from "../state/index.ts";
import { checkAutoUpdate } from "./auto-update-policy.ts";
import { healthConfig, isActive } from "./config-health.ts";
import { logConfig } from "./config-log.ts";
import { namespaceConfig, namespaceOwners } from "./config-namespaces.ts";
import { networkConfig } from "./config-network.ts";
import {
  checkWorkdir,
  chooseCommand,
  mergeUlimits,
  parsePairs,
  parseRestart,
  parseSysctls,
  parseUmask,
  readLabels,
} from "./config-words.ts";
import type { CreateOptions, CreateRequest } from "./create-options.ts";
import { deviceWarnings } from "./device-access.ts";
import { resolveEnv } from "./env.ts";
import { resolveMounts } from "./mounts.ts";
import { checkRuntime, chooseRuntime } from "./oci-runtime.ts";
import { layersView } from "./rootfs.ts";
import { parseSdNotify, unitLabel } from "./service.ts";
import { parseSignal } from "./signal.ts";
import { type AutoImage, userNamespace } from "./userns.ts";
import { inheritedMounts } from "./volumes-from.ts";

export interface ConfigInput {
  readonly id: string;
  readonly request: CreateRequest;
  /** Absent with --rootfs. */
  readonly image: ImageRecord | undefined;
  /** The name the image was found by. */
  readonly imageName: string;
  readonly storageDriver: string;
}

export interface BuiltConfig {
  readonly config: ContainerConfig;
  /** Lines for the user. */
  readonly warnings: readonly string[];
}

const SIGTERM = 15;
const LIMITS =
  "memory memory-reservation memory-swap memory-swappiness cpus cpu-shares cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpuset-cpus cpuset-mems pids-limit blkio-weight blkio-weight-device device-read-bps device-write-bps device-read-iops device-write-iops cgroup-conf".split(
    " ",
  );

/** The one limit whose default can be configured. */
function isConfigured(limit: string, value: unknown): boolean {
  return limit === "cgroup-conf" && Array.isArray(value) && value.length > 0;
}

/**
 * Checks everything that can be checked before anything is made.
 *
 * @throws {UsageError} naming the flag
 */
export function buildConfig(ctx: Context, input: ConfigInput): BuiltConfig {
  const { request, image } = input;
  const { options } = request;
  const own = image === undefined ? NO_IMAGE : parseImageConfig(Buffer.from(image.configJson));
  const { run, architecture } = request.step ?? { run: own.config, architecture: own.architecture };
  const { network, warnings } = networkConfig(ctx, options, Object.keys(run.ExposedPorts ?? {}));
  const users = userNamespace(ctx, options, ctx.settings.userNamespace, autoImage(ctx, image, run));
  const namespaces = namespaceConfig(ctx, options, users.mode);
  const config: ContainerConfig = {
    ...imageParts(input),
    ...foreignPart(architecture),
    ...processParts(ctx, request, run),
    ...lifeParts(ctx, input, run),
    ...securityParts(ctx, options, request.given, { ...namespaces, network: network.mode }),
    ...mountParts(ctx, request, run),
    ...(users.ownIds === undefined ? {} : { ownIds: users.ownIds }),
    ...(users.user !== undefined && !options.user ? { user: users.user } : {}),
    ...runtimePart(ctx, request),
    hostname: options.hostname ?? (network.mode === "host" ? machineName() : nameAsHostname(ctx, request)),
    labels: {
      ...run.Labels,
      ...parsePairs(ctx.settings.labels, "label"),
      ...readLabels(options["label-file"] ?? [], options.label ?? []),
      ...unitLabel(request),
    },
    annotations: parsePairs([...ctx.settings.annotations, ...(options.annotation ?? [])], "annotation"),
    namespaces,
    network,
    cgroups: options.cgroups || ctx.settings.cgroups,
    ...(options["cgroup-parent"] ? { cgroupParent: options["cgroup-parent"] } : {}),
    ...askedManager(ctx),
    resources: resourceLimits(options, request.given),
    secrets: [],
    dependencies: namespaceOwners(namespaces, network.mode),
    createCommand: ["kelp", ...request.argv],
  };
  checkRuntime(config);
  if (request.step === undefined) checkAutoUpdate(config);
  const noop = request.given.has("kernel-memory")
    ? ["The --kernel-memory flag is no longer supported. This flag is a noop."]
    : [];
  return { config, warnings: [...warnings, ...noop, ...deviceWarnings(config.devices, config.groupAdd)] };
}

/** Read only for who asks for it: most containers have no range of their own. */
function autoImage(ctx: Context, image: ImageRecord | undefined, run: ImageRunConfig): AutoImage | undefined {
  if (image === undefined) return undefined;
  return {
    get files() {
      return readUserFiles(layersView(ctx, image.layers));
    },
    user: run.User ?? "",
  };
}

/** The steps of a build are holdfast's always. */
function runtimePart(ctx: Context, { step }: CreateRequest): Pick<ContainerConfig, "runtime"> {
  const runtime = step === undefined ? chooseRuntime(ctx) : undefined;
  return runtime === undefined ? {} : { runtime };
}

/** A manager that the command line names is the container's for good; what a file says may change. */
function askedManager({ settings }: Context): Pick<ContainerConfig, "cgroupManager"> {
  const { cgroupManager, origins } = settings;
  if (origins.cgroupManager !== "--cgroup-manager") return {};
  return { cgroupManager: cgroupManager === "systemd" ? "systemd" : "cgroupfs" };
}

/** Flags that contradict each other; asked before an image is fetched for nothing. */
export function checkCombinations(options: CreateOptions, given: ReadonlySet<string>): void {
  const conflict = (message: string) => new UsageError("conflicting-flags", message);
  if ((options["device-cgroup-rule"] ?? []).length > 0)
    throw new UsageError(
      "not-supported",
      "device cgroup rules are not supported in rootless mode or in a user namespace",
    );
  if (options.rmi === true && given.has("rm") && options.rm !== true)
    throw conflict("the --rmi option does not work without --rm");
  if (options.tty === true && options["log-driver"]?.startsWith("passthrough"))
    throw conflict("--tty and the log driver passthrough cannot be used together");
  const restart = (options.restart ?? "no").split(":")[0];
  if (options.rm === true && restart !== "no" && restart !== "")
    throw conflict('the --rm option conflicts with --restart, when the restartPolicy is not "" and "no"');
}

function imageParts({ image, imageName, request, storageDriver }: ConfigInput) {
  const { options } = request;
  if (options.rootfs !== true) {
    const step = request.step === undefined ? {} : { layers: request.step.layers };
    return { image: image?.id ?? "", imageName, rawImageName: request.image, storageDriver, ...step };
  }
  const overlay = request.image.endsWith(":O");
  const path = resolve(request.cwd, overlay ? request.image.slice(0, -2) : request.image);
  if (!existsSync(path)) throw new UsageError("missing-rootfs", `stat ${path}: no such file or directory`);
  return { image: "", imageName: "", rawImageName: request.image, storageDriver, rootfs: { path, overlay } };
}

const NO_IMAGE = { config: {} as ImageRunConfig, architecture: "" };

function foreignPart(architecture: string): Pick<ContainerConfig, "architecture"> {
  const known = normaliseArchitecture(architecture);
  return known === "" || known === hostArchitecture() ? {} : { architecture: known };
}

/** What --name says, without the characters that a hostname may not have; empty: the short ID. */
function nameAsHostname({ settings }: Context, { options }: CreateRequest): string {
  return settings.nameAsHostname ? (options.name ?? "").replaceAll(/[^A-Za-z0-9-]/g, "").slice(0, 63) : "";
}

function processParts(ctx: Context, request: CreateRequest, run: ImageRunConfig) {
  const { options, given } = request;
  const tty = options.tty === true;
  return {
    ...chooseCommand({
      flag: given.has("entrypoint") ? (options.entrypoint ?? "") : undefined,
      command: request.command,
      imageEntrypoint: run.Entrypoint ?? [],
      imageCommand: run.Cmd ?? [],
      rootfs: options.rootfs === true,
    }),
    env: environment(ctx, request, run),
    workdir: options.workdir ? checkWorkdir(options.workdir) : run.WorkingDir || "/",
    user: options.user || run.User || "",
    groupAdd: checkGroups(options["group-add"] ?? []),
    ...userLines(options),
    umask: parseUmask(options.umask || ctx.settings.umask),
    tty,
    openStdin: options.interactive === true,
    stdinOnce: options.interactive === true && options.detach !== true,
    ulimits: mergeUlimits(ctx.settings.ulimits, options.ulimit ?? []),
    ...scoreAndZone(ctx, options),
    systemd: options.systemd || "true",
  };
}

function checkGroups(groups: readonly string[]): readonly string[] {
  if (!groups.includes("keep-groups") || groups.length === 1) return groups;
  throw new UsageError(
    "conflicting-flags",
    "the '--group-add keep-groups' option is not allowed with any other --group-add options",
  );
}

function userLines(options: CreateOptions): Pick<ContainerConfig, "userLines"> {
  const { passwd, hostuser = [] } = options;
  const passwdEntry = options["passwd-entry"] ?? "";
  const groupEntry = options["group-entry"] ?? "";
  const lines = {
    ...(passwd === false ? { none: true } : {}),
    ...(passwdEntry === "" ? {} : { passwdEntry }),
    ...(groupEntry === "" ? {} : { groupEntry }),
    ...(hostuser.length === 0 ? {} : { hostUsers: hostuser }),
  };
  return Object.keys(lines).length === 0 ? {} : { userLines: lines };
}

function scoreAndZone(
  ctx: Context,
  options: CreateOptions,
): Pick<ContainerConfig, "oomScoreAdj" | "timezone"> {
  const score = options["oom-score-adj"] ?? ctx.settings.oomScoreAdj;
  const zone = options.tz || ctx.settings.tz;
  return {
    ...(score === undefined ? {} : { oomScoreAdj: score }),
    ...(zone === "" ? {} : { timezone: zone }),
  };
}

function environment(
  ctx: Context,
  { options, given, environment: caller }: CreateRequest,
  run: ImageRunConfig,
): string[] {
  return resolveEnv({
    imageEnv: run.Env ?? [],
    defaults: ctx.settings.env,
    flags: options.env ?? [],
    files: options["env-file"] ?? [],
    merge: options["env-merge"] ?? [],
    unset: options.unsetenv ?? [],
    unsetAll: options["unsetenv-all"] === true,
    host: options["env-host"] === true || (ctx.settings.envHost && !given.has("env-host")),
    httpProxy: given.has("http-proxy") ? options["http-proxy"] === true : ctx.settings.httpProxy,
    tty: options.tty === true,
    caller,
  });
}

function lifeParts(ctx: Context, { id, request }: ConfigInput, run: ImageRunConfig) {
  const { options, given, cwd } = request;
  const path = (value: string | undefined) =>
    value === undefined || value === "" ? undefined : resolve(cwd, value);
  const pidFile = path(options.pidfile);
  const conmonPidFile = path(options["conmon-pidfile"]);
  const cidFile = path(options.cidfile);
  const health = healthConfig({ options, given, image: run.Healthcheck, cwd });
  return {
    autoRemove: options.rm === true || options.rmi === true,
    removeImage: options.rmi === true,
    init: given.has("init") ? options.init === true : ctx.settings.init,
    log: logConfig(ctx, id, options, cwd),
    stopSignal:
      options["stop-signal"] || run.StopSignal
        ? parseSignal(options["stop-signal"] || run.StopSignal || "")
        : SIGTERM,
    stopTimeout: given.has("stop-timeout") ? unsigned(options["stop-timeout"]) : ctx.settings.stopTimeout,
    timeout: Math.max(0, options.timeout ?? 0),
    restart: parseRestart(options.restart),
    ...(health === undefined ? {} : { health }),
    ...(pidFile === undefined ? {} : { pidFile }),
    ...(conmonPidFile === undefined ? {} : { conmonPidFile }),
    ...(cidFile === undefined ? {} : { cidFile }),
    ...parseSdNotify(options.sdnotify, isActive(health)),
  };
}

/** podman's -1 waits as long as it takes. */
function unsigned(seconds: number | undefined): number {
  return seconds === undefined || seconds < 0 ? 2 ** 32 - 1 : seconds;
}

function securityParts(
  ctx: Context,
  options: CreateOptions,
  given: ReadonlySet<string>,
  modes: Parameters<typeof applicableSysctls>[1],
) {
  const { settings } = ctx;
  return {
    privileged: given.has("privileged") ? options.privileged === true : settings.privileged,
    capAdd: options["cap-add"] ?? [],
    capDrop: options["cap-drop"] ?? [],
    securityOpt: securityOptions(options["security-opt"] ?? [], settings.seccompProfile),
    devices: [...settings.devices, ...(options.device ?? [])],
    sysctls: parseSysctls([...applicableSysctls(settings.sysctls, modes), ...(options.sysctl ?? [])]),
    readOnly: given.has("read-only") ? options["read-only"] === true : settings.readOnly,
    readOnlyTmpfs: given.has("read-only-tmpfs") ? options["read-only-tmpfs"] === true : true,
    shmSize: shmSize(options["shm-size"], settings.shmSize),
    ...(given.has("shm-size-systemd") ? { shmSizeSystemd: shmSize(options["shm-size-systemd"], 0) } : {}),
  };
}

/** The configured seccomp profile counts where the command line names none. */
function securityOptions(given: readonly string[], profile: string | undefined): readonly string[] {
  const own = profile === undefined || profile === "" || given.some((word) => /^seccomp[=:]/.test(word));
  return own ? given : [...given, `seccomp=${profile}`];
}

function shmSize(value: number | string | undefined, fallback: number): number {
  if (value === undefined || value === "") return fallback;
  return typeof value === "number" ? value : parseSize(value);
}

function mountParts(ctx: Context, { options, cwd }: CreateRequest, run: ImageRunConfig) {
  return resolveMounts({
    inherited: inheritedMounts(ctx, options["volumes-from"] ?? []),
    configured: ctx.settings,
    volumes: options.volume ?? [],
    mounts: options.mount ?? [],
    tmpfs: options.tmpfs ?? [],
    imageVolumes: Object.keys(run.Volumes ?? {}),
    imageVolumeMode: options["image-volume"] || "anonymous",
    cwd,
  });
}

/** The limits given, by flag name; 0 and empty mean none, but for --pids-limit, which has a default. */
export function resourceLimits(
  options: Readonly<Record<string, unknown>>,
  given: ReadonlySet<string>,
): Record<string, number | string> {
  const values: Record<string, number | string> = {};
  for (const name of LIMITS.filter((limit) => given.has(limit) || isConfigured(limit, options[limit]))) {
    const value = options[name];
    if (Array.isArray(value)) values[name] = value.join("\n");
    else if (typeof value === "number" && (value > 0 || name === "pids-limit")) values[name] = value;
    else if (typeof value === "number" && value < 0 && name === "cpu-quota") values[name] = value;
    else if (typeof value === "string" && value !== "" && value !== "0") values[name] = value;
  }
  return values;
}
