/** .volume: a volume is made once, with what is to be mounted for it. */
import { parseUnitBoolean, unitError } from "../unit-file.ts";
import { addOnce, extra, words } from "./once.ts";
import { unquoted } from "./rules.ts";
import type { ServiceBuilder } from "./service.ts";
import { madeBy } from "./source.ts";

export function lowerVolume(service: ServiceBuilder): void {
  const options = [...mountOptions(service), ...copyOptions(service)];
  addOnce(service, [
    ...["volume", "create", "--ignore"],
    ...words(service),
    ...options.flatMap((option) => ["--opt", option]),
    ...extra(service),
    madeBy(service.quadlet)!,
  ]);
}

/** Device=, Type=, Options=, User= and Group= as `volume create --opt` takes them. */
function mountOptions(service: ServiceBuilder): string[] {
  const [device, type, given] = (["Device", "Type", "Options"] as const).map((key) => text(service, key));
  for (const key of ["Type", "Options"]) {
    const entry = device === undefined ? service.entry(key) : undefined;
    if (entry !== undefined) throw unitError(entry, `key ${key} can't be used without Device`);
  }
  if (type === "bind" && device !== undefined) service.add("Unit", "RequiresMountsFor", device);
  const mount = [given, owner(service, "User", "uid"), owner(service, "Group", "gid")];
  const o = mount.filter((word) => word !== undefined).join(",");
  return [
    ...(device === undefined ? [] : [`device=${device}`]),
    ...(type === undefined ? [] : [`type=${type}`]),
    ...(o === "" ? [] : [`o=${o}`]),
  ];
}

/** Only a new file system can be given an owner by its mount: a directory has one. */
function owner(service: ServiceBuilder, key: "User" | "Group", word: "uid" | "gid"): string | undefined {
  const entry = service.entry(key);
  if (entry === undefined) return undefined;
  if (text(service, "Type") !== "tmpfs")
    throw unitError(entry, `${key}= is not supported without Type=tmpfs: a directory keeps its owner`);
  const id = unquoted(entry);
  if (!/^\d+$/.test(id)) throw unitError(entry, `${key}=${id} is not a number`);
  return `${word}=${id}`;
}

/** A volume is filled from the image where it is mounted, unless it says otherwise. */
function copyOptions(service: ServiceBuilder): string[] {
  const entry = service.entry("Copy");
  return entry === undefined || parseUnitBoolean(entry) ? [] : ["nocopy"];
}

function text(service: ServiceBuilder, key: string): string | undefined {
  const entry = service.entry(key);
  return entry === undefined ? undefined : unquoted(entry);
}
