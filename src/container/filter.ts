/** The filters of `ps`, `start`, `stop`, `rm`, `prune` and the rest, in podman's meaning. */
import { NotFoundError, UsageError } from "../base/index.ts";
import type { ImageRecord } from "../state/index.ts";
import { parseInputTime } from "./input-time.ts";
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

/** Values of one filter are alternatives, but for labels, which must all match; filters add up. */
export function compileFilters(
  filters: ReadonlyMap<string, readonly string[]>,
  lookup: FilterLookup,
): ContainerPredicate {
  const predicates = [...filters].map(([name, values]) => compileFilter(name, values, lookup));
  return (container) => predicates.every((predicate) => predicate(container));
}

function compileFilter(name: string, values: readonly string[], lookup: FilterLookup): ContainerPredicate {
  switch (name) {
    case "id":
      return anyOf(values, matchId);
    case "name":
      return anyOf(values, matchName);
    case "label":
      return (container) => values.every((value) => matchLabel(container.record.config.labels, value));
    case "label!":
      return (container) => !values.some((value) => matchLabel(container.record.config.labels, value));
    case "status":
      return anyOf(values, matchStatus);
    case "exited":
      return anyOf(values, matchExited);
    case "ancestor":
      return anyOf(values, (value) => (container) => matchAncestor(container, value, lookup));
    case "before":
    case "since":
      return anyOf(values, (value) => matchAge(name, lookup.container(value)));
    case "until":
      return anyOf(values, matchUntil);
    case "volume":
      return anyOf(values, matchVolume);
    case "network":
      return anyOf(values, matchNetwork);
    case "restart-policy":
      return anyOf(values, matchRestartPolicy);
    case "command":
      return anyOf(
        values,
        (value) =>
          ({ record }) =>
            fullCommand(record.config)[0] === value,
      );
    case "health":
      return anyOf(values, matchHealth);
    case "pod":
      return () => false;
    case "should-start-on-boot":
      return anyOf(
        values,
        (value) =>
          ({ record }) =>
            (record.config.restart.policy === "always") === (value === "true"),
      );
    default:
      throw new UsageError("invalid-filter", `${name} is an invalid filter`, {
        hint: "Filters: ancestor, before, command, exited, health, id, label, label!, name, network, pod, restart-policy, since, status, until, volume.",
      });
  }
}

function anyOf(values: readonly string[], make: (value: string) => ContainerPredicate): ContainerPredicate {
  const predicates = values.map(make);
  return (container) => predicates.some((predicate) => predicate(container));
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

/** `KEY`, `KEY=VALUE`; a `*` in the key stands for anything. */
export function matchLabel(labels: Readonly<Record<string, string>>, filter: string): boolean {
  const equals = filter.indexOf("=");
  const key = equals < 0 ? filter : filter.slice(0, equals);
  const value = equals < 0 ? undefined : filter.slice(equals + 1);
  const pattern = new RegExp(`^${key.replace(/[.+^${}()|[\]\\?]/g, "\\$&").replaceAll("*", ".*")}$`);
  return Object.entries(labels).some(
    ([name, content]) => pattern.test(name) && (value === undefined || value === content),
  );
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

function matchUntil(value: string): ContainerPredicate {
  const until = parseInputTime(value, "since");
  return ({ record }) => record.created < until;
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
  return ({ record }) => record.config.restart.policy === value;
}

function matchHealth(value: string): ContainerPredicate {
  if (!HEALTH.has(value))
    throw new UsageError("invalid-filter", `invalid health status ${JSON.stringify(value)}`);
  return ({ record }) => value === "none" && record.config.health === undefined;
}

/** Entrypoint and arguments as one list. */
export function fullCommand(config: {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}): string[] {
  return [...config.entrypoint, ...config.command];
}

/** A lookup for commands that have nothing to look things up in. */
export function noSuchContainer(name: string): never {
  throw new NotFoundError(
    "no-such-container",
    `no container with name or ID ${JSON.stringify(name)} found: no such container`,
  );
}
