/** Names of what is in the store, for completion. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { KEY_TEXTS, moduleDirectories } from "../config/index.ts";
import { configDirectory } from "../host/index.ts";
import { listNetworks } from "../network/index.ts";
import { liveState } from "../runtime/index.ts";
import type { ContextOptions } from "../state/index.ts";
import { type Context, openContext } from "../state/index.ts";

export type LiveKind = "container" | "running" | "object" | "image" | "volume" | "network" | "secret" | Host;
type Host = "setting" | "module" | "sysctl" | "interface";
type Rows = readonly (readonly [string, string])[];

const SHORT_ID = 12;
/** IDs are offered from this many characters on: before, they only bury the names. */
const ID_FROM = 2;

/** Words that begin with `partial`, each with what it is. */
export async function liveNames(kind: LiveKind, partial: string, globals: ContextOptions): Promise<Rows> {
  if (Object.hasOwn(HOST_NAMES, kind)) return HOST_NAMES[kind as Host](partial);
  const ctx = await openContext(globals);
  if (kind === "network") return networkNames(ctx, partial);
  if (kind === "secret")
    return words(
      ctx.state.secrets.list().map(({ name }) => name),
      partial,
    );
  if (kind === "image") return imageNames(ctx, partial);
  if (kind === "volume") return volumeNames(ctx, partial);
  if (kind === "object")
    return [
      ...containerNames(ctx, partial, false),
      ...imageNames(ctx, partial),
      ...volumeNames(ctx, partial),
      ...networkNames(ctx, partial, []),
    ];
  return containerNames(ctx, partial, kind === "running");
}

/** What needs no store. */
const HOST_NAMES: Readonly<Record<Host, (partial: string) => Rows>> = {
  setting: settingNames,
  module: (partial) => words(moduleDirectories({ config: configDirectory() }).flatMap(entries), partial),
  interface: (partial) => words(entries("/sys/class/net"), partial),
  sysctl: sysctlNames,
};

function entries(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

function words(names: readonly string[], partial: string): Rows {
  return names.filter((name) => name.startsWith(partial)).map((name) => [name, ""] as const);
}

/** One level at a time: `net.` gives what lies in /proc/sys/net. */
function sysctlNames(partial: string): Rows {
  const parents = partial.split(".").slice(0, -1);
  const directory = join("/proc/sys", ...parents);
  const names = entries(directory).map((name) => {
    const isGroup = statSync(join(directory, name), { throwIfNoEntry: false })?.isDirectory() === true;
    return [...parents, name].join(".") + (isGroup ? "." : "=");
  });
  return words(names, partial);
}

function settingNames(partial: string): Rows {
  return Object.entries(KEY_TEXTS)
    .flatMap(([section, keys]) =>
      Object.entries(keys).map(([key, text]) => [`${section}.${key}`, text] as const),
    )
    .filter(([name]) => name.startsWith(partial));
}

function volumeNames(ctx: Context, partial: string): Rows {
  return ctx.state.volumes
    .list()
    .filter(({ name }) => name.startsWith(partial))
    .map(({ name, driver }) => [name, driver] as const);
}

function networkNames(ctx: Context, partial: string, more: readonly string[] = ["none", "host"]): Rows {
  const modes = more.map((word) => [word, ""] as const);
  const networks = listNetworks(ctx).map(({ name, subnets }) => [name, subnets[0]?.subnet ?? ""] as const);
  return [...networks, ...modes].filter(([word]) => word.startsWith(partial));
}

function containerNames(ctx: Context, partial: string, running: boolean): Rows {
  const rows: (readonly [string, string])[] = [];
  for (const { id, name, config } of ctx.state.containers.list()) {
    if (running && liveState(ctx, id).state !== "running") continue;
    if (name.startsWith(partial)) rows.push([name, config.imageName]);
    if (partial.length >= ID_FROM && id.startsWith(partial)) rows.push([id.slice(0, SHORT_ID), name]);
  }
  return rows;
}

/** A name also matches without its registry and path: `busy` finds `docker.io/library/busybox:latest`. */
function imageNames(ctx: Context, partial: string): Rows {
  const rows: (readonly [string, string])[] = [];
  for (const { id, names } of ctx.state.images.list()) {
    for (const name of names) {
      const short = name.slice(name.lastIndexOf("/") + 1);
      if (name.startsWith(partial)) rows.push([name, id.slice(0, SHORT_ID)]);
      else if (short.startsWith(partial)) rows.push([short, id.slice(0, SHORT_ID)]);
    }
    if (partial.length >= ID_FROM && id.startsWith(partial))
      rows.push([id.slice(0, SHORT_ID), names[0] ?? ""]);
  }
  return rows;
}
