/** The `type=…,source=…,destination=…` form of --mount. */
import { globSync } from "node:fs";
import { posix } from "node:path";
import { UsageError } from "../base/index.ts";
import type { MountConfig } from "../state/index.ts";
import { checkOptions, containerPath, hostPath, withDefaults } from "./mount-words.ts";

type MountType = "bind" | "tmpfs" | "volume" | "image" | "devpts" | "glob";

interface Draft {
  type: MountType;
  source?: string;
  destination?: string;
  nonRecursive: boolean;
  readonly options: string[];
}

/** Every key means the same for each type unless the type forbids it. A glob is as many mounts as it matches files. */
export function parseMountFlag(flag: string, cwd: string): MountConfig[] {
  const origin = `--mount ${flag}`;
  const fields = splitFields(flag);
  const draft: Draft = { type: mountType(fields, flag), nonRecursive: false, options: [] };
  for (const field of fields) applyField(draft, field, flag);
  return draft.type === "glob" ? globMounts(draft, origin, cwd) : [oneMount(draft, flag, origin, cwd)];
}

/** Each at its own path, or beneath the destination. */
function globMounts(draft: Draft, origin: string, cwd: string): MountConfig[] {
  const pattern = posix.resolve(cwd, draft.source ?? "");
  const paths = globSync(pattern).sort();
  if (paths.length === 0)
    throw new UsageError(
      "missing-source",
      `no file paths matching glob ${JSON.stringify(draft.source ?? "")}`,
      {
        hint: `It comes from ${origin}.`,
      },
    );
  return paths.map((source) => {
    const destination =
      draft.destination === undefined ? source : posix.join(draft.destination, posix.basename(source));
    return bindMount({ ...draft, source }, containerPath(destination), origin, cwd);
  });
}

function oneMount(draft: Draft, flag: string, origin: string, cwd: string): MountConfig {
  if (draft.destination === undefined) {
    throw new UsageError("invalid-mount", "must set volume destination", {
      hint: `Add destination=PATH to --mount ${flag}.`,
    });
  }
  const destination = containerPath(draft.destination);
  if (draft.type === "bind") return bindMount(draft, destination, origin, cwd);
  if (draft.type === "image" && draft.source === undefined) {
    throw new UsageError("invalid-mount", "must set source and destination for image volume");
  }
  const options = draft.type === "volume" ? checkOptions(draft.options, origin) : draft.options;
  if (draft.type === "image") checkImageOptions(options, origin);
  const type = draft.type as MountConfig["type"];
  return draft.source === undefined || type === "tmpfs" || type === "devpts"
    ? { type, destination, options, origin }
    : { type, source: draft.source, destination, options, origin };
}

function checkImageOptions(options: readonly string[], origin: string): void {
  const wrong = options.find((option) => !/^(rw|ro|subpath=.+)$/.test(option));
  if (wrong !== undefined)
    throw new UsageError("invalid-mount-option", `${wrong}: invalid mount option for an image volume`, {
      hint: `It comes from ${origin}.`,
    });
}

function bindMount(draft: Draft, destination: string, origin: string, cwd: string): MountConfig {
  if (draft.source === undefined || draft.source === "") {
    throw new UsageError("invalid-mount", "host directory cannot be empty", {
      hint: "Add source=PATH to --mount type=bind.",
    });
  }
  const options = checkOptions(draft.nonRecursive ? ["bind", ...draft.options] : draft.options, origin);
  return {
    type: "bind",
    source: hostPath(draft.source, cwd),
    destination,
    options: withDefaults(options),
    origin,
  };
}

function mountType(fields: readonly string[], flag: string): MountType {
  const given = fields.filter((field) => field.startsWith("type="));
  const type = given.at(-1)?.slice("type=".length) ?? "volume";
  switch (type) {
    case "bind":
    case "tmpfs":
    case "volume":
    case "image":
    case "devpts":
    case "glob":
      return type;
    case "ramfs":
      return "tmpfs";
    default:
      throw new UsageError("invalid-mount", `invalid filesystem type ${JSON.stringify(type)}`, {
        hint: `It comes from --mount ${flag}.`,
      });
  }
}

function applyField(draft: Draft, field: string, flag: string): void {
  const equals = field.indexOf("=");
  const key = equals < 0 ? field : field.slice(0, equals);
  const value = equals < 0 ? undefined : field.slice(equals + 1);
  switch (key) {
    case "type":
      return;
    case "source":
    case "src":
      draft.source = needed(key, value);
      return;
    case "destination":
    case "dest":
    case "dst":
    case "target":
      draft.destination = needed(key, value);
      return;
    case "ro":
    case "readonly":
      draft.options.push(truth(key, value) ? "ro" : "rw");
      return;
    case "rw":
    case "readwrite":
      draft.options.push(truth(key, value) ? "rw" : "ro");
      return;
    case "bind-propagation":
    case "volume-opt":
      draft.options.push(needed(key, value));
      return;
    case "bind-nonrecursive":
      draft.nonRecursive = truth(key, value);
      return;
    case "relabel":
      draft.options.push(relabel(needed(key, value)));
      return;
    case "U":
    case "chown":
      if (truth(key, value)) draft.options.push("U");
      return;
    case "tmpfs-size":
    case "tmpfs-mode":
      draft.options.push(`${key.slice("tmpfs-".length)}=${needed(key, value)}`);
      return;
    case "volume-nocopy":
      draft.options.push("nocopy");
      return;
    case "consistency":
      return;
    default:
      applyOther(draft, field, key, value, flag);
  }
}

/** Keys that are mount options themselves. */
function applyOther(draft: Draft, field: string, key: string, value: string | undefined, flag: string): void {
  const valued = [
    "size",
    "mode",
    "uid",
    "gid",
    "max",
    "nr_inodes",
    "nr_blocks",
    "subpath",
    "volume-subpath",
    "idmap",
  ];
  if (value !== undefined && valued.includes(key)) {
    draft.options.push(key.endsWith("subpath") ? `subpath=${cleanSubpath(value)}` : field);
    return;
  }
  const words =
    /^(no)?(exec|dev|suid|atime|diratime|copy|swap)$|^relatime$|^(no)?tmpcopyup$|^idmap$|^no-dereference$|^(r?(shared|slave|private|unbindable|bind))$|^[zZ]$/;
  if (words.test(key) && (value === undefined || truth(key, value))) {
    draft.options.push(key);
    return;
  }
  throw new UsageError("invalid-mount-option", `${field}: invalid mount option`, {
    hint: `It comes from --mount ${flag}.`,
  });
}

/** Beneath what is mounted; links on the way lead to places beneath it too. */
function cleanSubpath(path: string): string {
  const clean = posix.normalize(`/${path}`).slice(1).replace(/\/$/, "");
  if (path.split("/").includes("..") || clean === "")
    throw new UsageError(
      "invalid-mount-option",
      `subpath ${JSON.stringify(path)} must be a path beneath the volume`,
    );
  return clean;
}

function needed(key: string, value: string | undefined): string {
  if (value === undefined)
    throw new UsageError("invalid-mount-option", `${key}: must provide an argument for option`);
  return value;
}

function truth(key: string, value: string | undefined): boolean {
  if (value === undefined) return true;
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new UsageError(
    "invalid-mount-option",
    `${key} must be set to true or false, instead received ${JSON.stringify(value)}: invalid mount option`,
  );
}

function relabel(value: string): string {
  if (value === "shared") return "z";
  if (value === "private") return "Z";
  throw new UsageError(
    "invalid-mount-option",
    `relabel: ${JSON.stringify(value)} is not "shared" or "private": invalid mount option`,
  );
}

/** At commas; a field in double quotes may hold some, as in CSV. */
function splitFields(flag: string): string[] {
  const fields = flag.match(/(?:"(?:[^"]|"")*"|[^,])+/g) ?? [];
  return fields.map((field) =>
    field.startsWith('"') && field.endsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field,
  );
}
