/** Objects other than containers for `inspect`, and Go's view of what it prints. */
import { formatDuration, NotFoundError } from "../base/index.ts";
import type { Context } from "../state/index.ts";
import { goMap } from "./template/values.ts";

/** Fields whose keys are the user's, so that a template may ask for any of them. */
const MAPS = new Set([
  "Labels",
  "Annotations",
  "Ports",
  "PortBindings",
  "Tmpfs",
  "Networks",
  "Volumes",
  "Options",
  "Data",
  "ExposedPorts",
  "Sysctls",
]);

/** Marks the maps of an inspected object for the template engine. */
export function markMaps(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    if (MAPS.has(key) && typeof child === "object" && child !== null && !Array.isArray(child)) goMap(child);
    markMaps(child);
  }
}

interface Inspected {
  readonly State?: { readonly Health?: unknown };
  readonly Config?: Record<string, unknown>;
  readonly RootFS?: unknown;
  readonly HostConfig?: { readonly LogConfig?: { readonly Path?: string } };
}

/** An image's JSON leaves out what it does not say; in Go these are fields all the same. */
const UNSAID = {
  User: () => "",
  ExposedPorts: () => goMap({}),
  Env: () => [],
  Entrypoint: () => [],
  Cmd: () => [],
  Volumes: () => goMap({}),
  WorkingDir: () => "",
  Labels: () => goMap({}),
  StopSignal: () => "",
  Healthcheck: () => null,
  OnBuild: () => [],
} as const;

function addUnsaid(config: Record<string, unknown>): void {
  for (const [name, empty] of Object.entries(UNSAID))
    if (!Object.hasOwn(config, name)) Object.defineProperty(config, name, { value: empty() });
}

/** Durations of Go: a template prints them in words, JSON as nanoseconds. */
function goDuration(nanoseconds: number): () => string {
  return Object.assign(() => formatDuration(nanoseconds), { toJSON: () => nanoseconds });
}

const DURATIONS = ["Interval", "Timeout", "StartPeriod", "StartInterval"];

/** Health checks as templates see them; a start-up check that there is not is a nil pointer. */
function addHealth(config: Record<string, unknown>): void {
  for (const name of ["Healthcheck", "StartupHealthCheck"]) {
    const check = config[name];
    if (typeof check !== "object" || check === null) {
      Object.defineProperty(config, name, { value: null });
      continue;
    }
    const fields = check as Record<string, unknown>;
    for (const field of DURATIONS)
      if (typeof fields[field] === "number") fields[field] = goDuration(fields[field]);
  }
}

/** Names that podman's templates know besides those that are printed. */
export function addAliases(value: unknown): void {
  const { Config: config, RootFS: layers } = value as Inspected;
  if (config !== undefined && layers !== undefined) addUnsaid(config);
  if (config !== undefined && "HealthcheckOnFailureAction" in config) addHealth(config);
  const state = (value as Inspected).State;
  if (typeof state !== "object" || state === null || !("Health" in state)) return;
  Object.defineProperty(state, "Healthcheck", { value: state.Health });
  // docker's name, in the first line of many a script about logs.
  const path = (value as Inspected).HostConfig?.LogConfig?.Path ?? "";
  Object.defineProperty(value, "LogPath", { value: path });
}

/** An image, a volume or a network; `all` tries them in this order. */
export async function inspectByType(ctx: Context, name: string, type: string): Promise<object> {
  if (type === "all" || type === "image") {
    const { inspectImage, tryFindImage } = await import("../image/index.ts");
    const found = tryFindImage(ctx, name);
    if (found !== undefined) return inspectImage(ctx, found.record, ctx.settings.storageDriver || "overlay");
    if (type === "image") throw new NotFoundError("no-such-image", `no such image ${JSON.stringify(name)}`);
  }
  const volume = type === "network" ? undefined : ctx.state.volumes.get(name);
  if (volume !== undefined) {
    const { inspectVolume } = await import("../volume/index.ts");
    return inspectVolume(volume);
  }
  const network = type === "volume" ? undefined : await inspectNetwork(ctx, name);
  if (network !== undefined) return network;
  throw new NotFoundError(
    "no-such-object",
    `no such ${type === "all" ? "object" : type}: ${JSON.stringify(name)}`,
  );
}

async function inspectNetwork(ctx: Context, name: string): Promise<object | undefined> {
  const { findNetwork } = await import("../network/index.ts");
  const record = findNetwork(ctx, name);
  if (record === undefined) return undefined;
  const { inspectNetworkMembers } = await import("../container/index.ts");
  return inspectNetworkMembers(ctx, record);
}
