/** The filters of `ps`, `start`, `stop`, `rm`, `prune` and the rest, in podman's meaning. */
import { UsageError } from "../base/index.ts";
import type { ImageRecord } from "../state/index.ts";
import type { ContainerView } from "./view.ts";

export type ContainerPredicate = (container: ContainerView) => boolean;

/** What some filters have to look up. */
export interface FilterLookup {
  /** @throws {NotFoundError} for `before` and `since`. */
  container(name: string): { readonly created: number; readonly id: string };
  image(id: string): ImageRecord | undefined;
}

const STATES = new Set([
  "created",
  "running",
  "restarting",
  "stopping",
  "paused",
  "exited",
  "stopped",
  "initialized",
  "configured",
  "removing",
  "unknown",
]);
const POLICIES = new Set(["no", "none", "always", "on-failure", "unless-stopped"]);
const HEALTH = new Set(["starting", "healthy", "unhealthy", "none", "stopped"]);

/** One filter: the test for a value, made once per value; it may throw for a bad one. */
export interface ContainerFilter {
  readonly test: (value: string) => ContainerPredicate;
}

/** All filters but those every listing has (labels, until). */
export function containerFilters(lookup: FilterLookup): Readonly<Record<string, ContainerFilter>> {
  return {
    id: { test: matchId },
    name: { test: matchName },
    status: { test: matchStatus },
    exited: { test: matchExited },
    ancestor: { test: (value) => (container) => matchAncestor(container, value, lookup) },
    before: { test: (value) => matchAge("before", lookup.container(value)) },
    since: { test: (value) => matchAge("since", lookup.container(value)) },
    volume: { test: matchVolume },
    network: { test: matchNetwork },
    "restart-policy": { test: matchRestartPolicy },
    command: {
      test:
        (value) =>
        ({ record }) =>
          fullCommand(record.config)[0] === value,
    },
    health: { test: matchHealth },
    pod: { test: () => () => false },
    "should-start-on-boot": {
      test: (value) => (container) => shouldStartOnBoot(container) === (value === "true"),
    },
  };
}

/** `always` in any case, `unless-stopped` unless somebody had stopped it. */
function shouldStartOnBoot({ record, status }: ContainerView): boolean {
  const { policy } = record.config.restart;
  return policy === "always" || (policy === "unless-stopped" && !status.stoppedByUser);
}

/** Hex digits alone are the beginning of an ID; anything else is a pattern. */
function matchId(value: string): ContainerPredicate {
  if (/^[0-9a-f]*$/i.test(value)) return ({ record }) => record.id.startsWith(value.toLowerCase());
  const pattern = regex(value.toLowerCase());
  return ({ record }) => pattern.test(record.id);
}

function matchName(value: string): ContainerPredicate {
  const pattern = regex(value.replace(/^(\^?)\//, "$1"));
  return ({ record }) => pattern.test(record.name);
}

function regex(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    throw new UsageError("invalid-filter", `error parsing regexp: ${JSON.stringify(text)}`, { cause });
  }
}

function matchStatus(value: string): ContainerPredicate {
  if (!STATES.has(value))
    throw new UsageError("invalid-filter", `unknown container state: ${value}: invalid argument`);
  const wanted = value === "stopped" ? "exited" : value;
  return ({ status }) => status.state === wanted;
}

function matchExited(value: string): ContainerPredicate {
  if (!/^\d+$/.test(value))
    throw new UsageError("invalid-filter", `exited code out of range ${JSON.stringify(value)}`);
  return ({ status }) => status.state === "exited" && status.exitCode === Number(value);
}

function matchAncestor({ record }: ContainerView, value: string, lookup: FilterLookup): boolean {
  const { image, imageName, rawImageName } = record.config;
  if (image === "") return false;
  if (/^[0-9a-f]{3,64}$/.test(value) && image.startsWith(value)) return true;
  const names = [imageName, rawImageName, ...(lookup.image(image)?.names ?? [])];
  return names.some((name) => {
    if (name === value || name.endsWith(`/${value}`)) return true;
    const untagged = name.replace(/:[^/:]*$/, "");
    return untagged === value || untagged.endsWith(`/${value}`);
  });
}

function matchAge(
  name: "before" | "since",
  other: { readonly created: number; readonly id: string },
): ContainerPredicate {
  return ({ record }) =>
    record.id !== other.id &&
    (name === "before" ? record.created < other.created : record.created > other.created);
}

function matchVolume(value: string): ContainerPredicate {
  const [source, destination] = value.split(":", 2);
  return ({ record }) =>
    record.config.mounts.some((mount) =>
      destination === undefined
        ? mount.source === source || mount.destination === source
        : mount.source === source && mount.destination === destination,
    );
}

function matchNetwork(value: string): ContainerPredicate {
  return ({ record: { config } }) =>
    config.network.mode === value || config.network.networks.some((network) => network.name === value);
}

function matchRestartPolicy(value: string): ContainerPredicate {
  if (!POLICIES.has(value)) throw new UsageError("invalid-filter", `${value} invalid restart policy`);
  const wanted = value === "none" ? "no" : value;
  return ({ record }) => record.config.restart.policy === wanted;
}

function matchHealth(value: string): ContainerPredicate {
  if (!HEALTH.has(value))
    throw new UsageError("invalid-filter", `invalid health status ${JSON.stringify(value)}`);
  return ({ status }) => status.health === (value === "none" ? "" : value);
}

/** Entrypoint and arguments as one list. */
export function fullCommand(config: {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}): string[] {
  return [...config.entrypoint, ...config.command];
}
