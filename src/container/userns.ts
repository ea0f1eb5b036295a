/**
 * --userns, --uidmap, --gidmap, --subuidname, --subgidname: which ids a container has. All are ids of the base user
 * namespace, where 0 is the user and 1 onwards are the subordinate ids.
 */
import { UsageError } from "../base/index.ts";
import { type IdMaps, type IdRange, loadIdMaps, lookupUser } from "../host/index.ts";
import { parseGroup, parsePasswd, type UserFiles } from "../runtime/index.ts";
import type { ContainerConfig, Context } from "../state/index.ts";
import type { CreateOptions } from "./create-options.ts";
import { resolveContainer } from "./select.ts";
import { joinedIds } from "./userns-join.ts";

export type OwnIds = NonNullable<ContainerConfig["ownIds"]>;

export interface UserNamespaceConfig {
  /** podman's word, as inspect shows it. */
  readonly mode: string;
  /** Absent: the container shares the base's ids. */
  readonly ownIds?: OwnIds;
  /** keep-id: who the container's process is unless --user says otherwise. */
  readonly user?: string;
}

const AUTO_SIZE = 1024;
const AUTO_MAX = 65536;

/**
 * @throws {UsageError} for modes that contradict each other or need ids that this user does not have
 */
export function userNamespace(
  ctx: Context,
  options: CreateOptions,
  defaultMode: string,
  image?: AutoImage,
): UserNamespaceConfig {
  const chosen = chooseIds(ctx, options, defaultMode, image);
  if (chosen.ownIds === undefined) return chosen;
  const maps = loadIdMaps();
  const { uid, gid } = chosen.ownIds;
  return { ...chosen, ownIds: { uid: splitRanges(uid, maps.uid), gid: splitRanges(gid, maps.gid) } };
}

/** The kernel takes a range only if it lies in one range of the namespace outside. */
function splitRanges(ranges: readonly IdRange[], base: readonly IdRange[]): IdRange[] {
  return ranges.flatMap(({ container, host, size }) =>
    base.flatMap((outer) => {
      const from = Math.max(host, outer.container);
      const to = Math.min(host + size, outer.container + outer.size);
      return from < to ? [{ container: container + from - host, host: from, size: to - from }] : [];
    }),
  );
}

function chooseIds(
  ctx: Context,
  options: CreateOptions,
  defaultMode: string,
  image: AutoImage | undefined,
): UserNamespaceConfig {
  const mode = options.userns || defaultMode;
  const uidmap = list(options.uidmap);
  const gidmap = list(options.gidmap);
  const names = [options.subuidname, options.subgidname].filter((name) => name !== undefined && name !== "");
  if (options.userns && (uidmap.length > 0 || gidmap.length > 0 || names.length > 0))
    throw new UsageError(
      "conflicting-flags",
      "--userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually exclusive",
    );
  const [kind = "", rest = ""] = split(mode);
  if (kind === "container") return sharedWith(ctx, rest);
  if (kind === "ns") return joined(mode, rest);
  if (
    uidmap.length === 0 &&
    gidmap.length === 0 &&
    names.length === 0 &&
    !["keep-id", "nomap", "auto"].includes(kind)
  )
    return { mode };
  const maps = loadIdMaps();
  if (uidmap.length > 0 || gidmap.length > 0)
    return { mode: "private", ownIds: givenMaps(uidmap, gidmap, maps) };
  if (names.length > 0) {
    checkOwner(names);
    return { mode: "private", ownIds: withoutUser(maps) };
  }
  requireMany(maps, mode);
  if (kind === "keep-id") return keepId(mode, rest, maps);
  if (kind === "nomap") return { mode, ownIds: withoutUser(maps) };
  return { mode, ownIds: autoIds(ctx, parseAuto(rest, maps), maps, image) };
}

/** The ids of another container; its namespace itself is joined at the start, when it has to run. */
function sharedWith(ctx: Context, name: string): UserNamespaceConfig {
  const { id, config } = resolveContainer(ctx, name);
  const mode = `container:${id}`;
  return config.ownIds === undefined ? { mode } : { mode, ownIds: config.ownIds };
}

function joined(mode: string, path: string): UserNamespaceConfig {
  const ids = joinedIds(path, loadIdMaps());
  return ids === undefined ? { mode: "host" } : { mode, ownIds: ids };
}

const list = (words: unknown): readonly string[] => (Array.isArray(words) ? (words as string[]) : []);

function split(mode: string): [string, string] {
  const colon = mode.indexOf(":");
  return colon < 0 ? [mode, ""] : [mode.slice(0, colon), mode.slice(colon + 1)];
}

/** How many ids the base has, from 0 on. */
function total(ranges: readonly IdRange[]): number {
  return ranges.reduce((most, { container, size }) => Math.max(most, container + size), 0);
}

function requireMany(maps: IdMaps, mode: string): void {
  if (!maps.single) return;
  throw new UsageError(
    "single-id",
    `cannot use --userns ${mode}: only one user id is available: ${maps.reason ?? ""}`,
    {
      hint: "give yourself a range in /etc/subuid and /etc/subgid",
    },
  );
}

function keepId(mode: string, words: string, maps: IdMaps): UserNamespaceConfig {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const wanted = { uid, gid, size: undefined as number | undefined };
  for (const word of words.split(",").filter(Boolean)) {
    const match = /^(uid|gid|size)=(\d+)$/.exec(word);
    if (match === null)
      throw new UsageError("invalid-userns", `unknown option specified: ${JSON.stringify(word)}`, {
        hint: "keep-id takes uid=, gid= and size=",
      });
    wanted[match[1] as "uid" | "gid" | "size"] = Number(match[2]);
  }
  return {
    mode,
    user: `${wanted.uid}:${wanted.gid}`,
    ownIds: {
      uid: around(wanted.uid, wanted.size ?? total(maps.uid)),
      gid: around(wanted.gid, wanted.size ?? total(maps.gid)),
    },
  };
}

/** The user at `id`, the subordinate ids around it. */
function around(id: number, count: number): IdRange[] {
  const below = Math.min(id, count - 1);
  const ranges = [
    { container: 0, host: 1, size: below },
    { container: id, host: 0, size: 1 },
    { container: id + 1, host: id + 1, size: count - id - 1 },
  ];
  return ranges.filter(({ size }) => size > 0);
}

function withoutUser(maps: IdMaps): OwnIds {
  const all = (ranges: readonly IdRange[]) => [{ container: 0, host: 1, size: total(ranges) - 1 }];
  return { uid: all(maps.uid), gid: all(maps.gid) };
}

/** What an automatic range is sized by. */
export interface AutoImage {
  /** Texts of the image's own files. */
  readonly files: UserFiles;
  /** USER of the image. */
  readonly user: string;
}

interface AutoWords {
  readonly size: number | undefined;
  readonly uid: readonly IdRange[];
  readonly gid: readonly IdRange[];
}

function parseAuto(words: string, maps: IdMaps): AutoWords {
  const uid: IdRange[] = [];
  const gid: IdRange[] = [];
  let size: number | undefined;
  for (const word of words.split(",").filter(Boolean)) {
    const [key = "", value = ""] = [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)];
    if (key === "size" && /^[1-9]\d*$/.test(value)) size = Number(value);
    else if (key === "uidmapping") uid.push(parseMap(value, maps.uid));
    else if (key === "gidmapping") gid.push(parseMap(value, maps.gid));
    else
      throw new UsageError("invalid-userns", `unknown option specified: ${JSON.stringify(word)}`, {
        hint: "auto takes size=N, uidmapping=IN:OUT:SIZE and gidmapping=IN:OUT:SIZE",
      });
  }
  return { size, uid, gid };
}

/** As many ids as the image has users and groups, but for its nobody, and at least a thousand. */
function imageSize(image: AutoImage | undefined, user: string): number {
  const ids =
    image === undefined ? [] : [...parsePasswd(image.files.passwd), ...parseGroup(image.files.group)];
  const known = ids.filter(({ name }) => !["nobody", "nogroup"].includes(name));
  const highest = known.flatMap((entry) => ("uid" in entry ? [entry.uid, entry.gid] : [entry.gid]));
  const asked = (user || (image?.user ?? ""))
    .split(":")
    .filter((word) => /^\d+$/.test(word))
    .map(Number);
  return Math.max(
    AUTO_SIZE,
    ...[...highest, ...asked].map((id) => id + 1).filter((count) => count <= AUTO_MAX),
  );
}

function autoIds(ctx: Context, words: AutoWords, maps: IdMaps, image: AutoImage | undefined): OwnIds {
  const fixed = Math.max(0, ...[...words.uid, ...words.gid].map(({ container, size }) => container + size));
  const size = words.size ?? Math.max(fixed, imageSize(image, ""));
  const most = Math.min(total(maps.uid), total(maps.gid));
  const kept = [...words.uid, ...words.gid];
  const taken = [...takenRanges(ctx), ...kept].toSorted((one, other) => one.host - other.host);
  const start = freeStart(taken, size);
  if (start + size > most) {
    throw new UsageError(
      "no-free-ids",
      `cannot use --userns auto: no ${size} ids in a row are free of your ${most - 1} subordinate ids`,
      { hint: "remove containers made with --userns auto, or ask for fewer ids with --userns auto:size=N" },
    );
  }
  const around = (mappings: readonly IdRange[]) => fillGaps(mappings, { container: 0, host: start, size });
  return { uid: around(words.uid), gid: around(words.gid) };
}

/** The range, but for those of its ids that are mapped by hand. */
function fillGaps(mappings: readonly IdRange[], { host, size }: IdRange): IdRange[] {
  const sorted = mappings.toSorted((one, other) => one.container - other.container);
  const ranges: IdRange[] = [];
  let at = 0;
  for (const mapping of sorted) {
    if (mapping.container > at) ranges.push({ container: at, host: host + at, size: mapping.container - at });
    ranges.push(mapping);
    at = mapping.container + mapping.size;
  }
  if (at < size) ranges.push({ container: at, host: host + at, size: size - at });
  return ranges;
}

/** The ranges of other containers with --userns auto; they are free again when those are removed. */
function takenRanges(ctx: Context): IdRange[] {
  return ctx.state.containers
    .list()
    .filter(({ config }) => config.namespaces.user.startsWith("auto"))
    .flatMap(({ config }) => [...(config.ownIds?.uid ?? [])])
    .sort((a, b) => a.host - b.host);
}

function freeStart(taken: readonly IdRange[], size: number): number {
  let start = 1;
  for (const range of taken) {
    if (start + size <= range.host) break;
    start = Math.max(start, range.host + range.size);
  }
  return start;
}

function givenMaps(uidmap: readonly string[], gidmap: readonly string[], maps: IdMaps): OwnIds {
  const uid = (uidmap.length > 0 ? uidmap : gidmap).map((word) => parseMap(word, maps.uid));
  const gid = (gidmap.length > 0 ? gidmap : uidmap).map((word) => parseMap(word, maps.gid));
  for (const ranges of [uid, gid]) {
    if (!ranges.some(({ container }) => container === 0))
      throw new UsageError(
        "no-root",
        "cannot map ids: id 0 of the container has to be mapped, which sets it up",
      );
    const sorted = ranges.toSorted((a, b) => a.container - b.container);
    if (
      sorted.some(
        (range, index) =>
          index > 0 && sorted[index - 1]!.container + sorted[index - 1]!.size > range.container,
      )
    )
      throw new UsageError("invalid-idmap", "cannot map ids: two ranges of the container's ids overlap");
  }
  return { uid, gid };
}

/** `IN:OUT:SIZE`; OUT is an id of the base, or with `@` one of the host. */
function parseMap(word: string, base: readonly IdRange[]): IdRange {
  const match = /^(\d+):(@?)(\d+)(?::(\d+))?$/.exec(word);
  if (match === null) {
    throw new UsageError(
      "invalid-idmap",
      `cannot parse id map ${JSON.stringify(word)}: must be IN:OUT:SIZE`,
      {
        hint: "OUT counts from you (0) over your subordinate ids (1 onwards); @OUT is an id of the host",
      },
    );
  }
  const size = Number(match[4] ?? 1);
  const out = match[2] === "@" ? fromHost(Number(match[3]), word, base) : Number(match[3]);
  if (size < 1 || out + size > total(base)) {
    throw new UsageError(
      "invalid-idmap",
      `cannot map ${word}: only the ids 0 to ${total(base) - 1} are yours`,
    );
  }
  return { container: Number(match[1]), host: out, size };
}

function fromHost(id: number, word: string, base: readonly IdRange[]): number {
  const found = base.find(({ host, size }) => id >= host && id < host + size);
  if (found !== undefined) return found.container + id - found.host;
  throw new UsageError("invalid-idmap", `cannot map ${word}: ${id} of the host is not among your ids`);
}

/** newuidmap lets nobody use somebody else's range. */
function checkOwner(names: readonly unknown[]): void {
  const uid = process.getuid?.() ?? 0;
  const own = [String(uid), lookupUser(uid)?.name];
  const other = names.find((name) => !own.includes(String(name)));
  if (other === undefined) return;
  throw new UsageError("invalid-subid", `cannot map the ids of ${other}: they are not yours`);
}
