/** A .container file as a service: `kelp run`, with the monitor as the main process. */
import { listEntries, parseUnitBoolean, type UnitEntry, unitError } from "../unit-file.ts";
import { splitCsvWords } from "./csv.ts";
import { KEYS } from "./keys.ts";
import { nameParts } from "./names.ts";
import { applyRules, entryWords, unquoted } from "./rules.ts";
import type { ServiceBuilder } from "./service.ts";
import { ownSection } from "./source.ts";

const SECTION = "Container";

export function lowerContainer(service: ServiceBuilder): void {
  const { quadlet } = service;
  const name =
    service.value("ContainerName") ?? (nameParts(quadlet.name).isTemplated ? "systemd-%p_%i" : "systemd-%N");
  const global = globalWords(service);
  addSurroundings(service, name, global);
  const isOneshot = serviceType(service) === "oneshot";
  service.command(
    "ExecStart",
    [
      "run",
      "--name",
      name,
      "--replace",
      "--rm",
      "--cgroups",
      service.value("CgroupsMode") ?? "split",
      ...(isOneshot ? [] : ["--sdnotify", notifyMode(service), "-d"]),
      ...applyRules(quadlet.file, SECTION, KEYS.container),
      ...userWords(service),
      ...deviceWords(service),
      ...fileWords(service),
      ...networkWords(service),
      ...volumeWords(service),
      ...mountWords(service),
      ...listOf(service, "PodmanArgs").flatMap(entryWords),
      ...imageWords(service),
      ...execWords(service),
    ],
    global,
  );
  addReload(service, name, global);
}

/** What stands before the command's name, of every type. */
export function globalWords({ quadlet }: ServiceBuilder): string[] {
  const list = (key: string) => listEntries(quadlet.file, ownSection(quadlet), key);
  return [
    ...list("ContainersConfModule").flatMap((entry) => ["--module", unquoted(entry)]),
    ...list("GlobalArgs").flatMap(entryWords),
  ];
}

/** Each entry of a key of the container's. */
function listOf(service: ServiceBuilder, key: string): UnitEntry[] {
  return listEntries(service.quadlet.file, SECTION, key);
}

/** How the service ends, and what it is besides its command. */
function addSurroundings(service: ServiceBuilder, name: string, global: readonly string[]): void {
  const { file } = service.quadlet;
  const [kill] = listEntries(file, "Service", "KillMode").slice(-1);
  if (kill !== undefined && kill.value !== "mixed" && kill.value !== "control-group")
    throw unitError(kill, `invalid KillMode '${kill.value}'`, "mixed and control-group work for containers");
  for (const key of ["User", "Group", "DynamicUser"]) {
    const [entry] = listEntries(file, "Service", key).slice(-1);
    if (entry !== undefined)
      throw unitError(
        entry,
        `using key ${key} in the Service group is not supported`,
        "put the file into that user's own directory",
      );
  }
  const [start] = listEntries(file, "Service", "ExecStart");
  if (start !== undefined) throw unitError(start, "ExecStart= is what quadlet makes");
  service.add("Service", "Environment", "PODMAN_SYSTEMD_UNIT=%n");
  service.default("Service", "KillMode", "mixed");
  service.default("Service", "Delegate", "yes");
  service.default("Service", "SyslogIdentifier", "%N");
  if (serviceType(service) !== "oneshot") {
    service.default("Service", "Type", "notify");
    service.default("Service", "NotifyAccess", "all");
  }
  // The second is for a monitor that was killed.
  service.command("ExecStop", ["rm", "-v", "-f", "-i", name], global);
  service.command("ExecStopPost", ["rm", "-v", "-f", "-i", name], global, "-");
}

function serviceType(service: ServiceBuilder): string {
  const [entry] = listEntries(service.quadlet.file, "Service", "Type").slice(-1);
  if (entry === undefined || entry.value === "notify" || entry.value === "oneshot")
    return entry?.value ?? "notify";
  throw unitError(
    entry,
    `invalid service Type '${entry.value}'`,
    "a container's service is notify or oneshot",
  );
}

/** Notify=: the container itself, or its health, or nobody but the monitor. */
function notifyMode(service: ServiceBuilder): string {
  const entry = service.entry("Notify");
  if (entry === undefined) return "conmon";
  if (entry.value.toLowerCase() === "healthy") return "healthy";
  return parseUnitBoolean(entry) ? "container" : "conmon";
}

function userWords(service: ServiceBuilder): string[] {
  const user = service.value("User");
  const group = service.entry("Group");
  if (group !== undefined && user === undefined) throw unitError(group, "invalid Group set without User");
  return user === undefined ? [] : ["--user", group === undefined ? user : `${user}:${group.value}`];
}

/** `-/dev/x`: only if the host has it. */
function deviceWords(service: ServiceBuilder): string[] {
  return listOf(service, "AddDevice")
    .flatMap(entryWords)
    .flatMap((word) => {
      if (!word.startsWith("-")) return ["--device", word];
      const device = word.slice(1);
      return service.surroundings.exists(device.split(":")[0]!) ? ["--device", device] : [];
    });
}

function fileWords(service: ServiceBuilder): string[] {
  return listOf(service, "EnvironmentFile")
    .flatMap(entryWords)
    .flatMap((word) => ["--env-file", service.path(word)]);
}

function networkWords(service: ServiceBuilder): string[] {
  return listOf(service, "Network").flatMap((entry) =>
    entryWords(entry).flatMap((word) => ["--network", networkName(service, word, entry)]),
  );
}

/** `x.network[:options]`, `x.container`: by the name of what those services make. */
export function networkName(service: ServiceBuilder, word: string, entry: UnitEntry): string {
  const [name = "", ...options] = word.split(":");
  if (name.endsWith(".network")) return [service.require(name, entry), ...options].join(":");
  if (!name.endsWith(".container")) return word;
  if (options.length > 0)
    throw unitError(
      entry,
      `Network=${word}: extra options are not supported when joining another container's network`,
    );
  return `container:${service.require(name, entry)}`;
}

function volumeWords(service: ServiceBuilder): string[] {
  return listOf(service, "Volume").flatMap((entry) =>
    entryWords(entry).flatMap((word) => ["--volume", volumeWord(service, word, entry)]),
  );
}

export function volumeWord(service: ServiceBuilder, word: string, entry: UnitEntry): string {
  const [source = "", ...rest] = word.split(":");
  return rest.length === 0 ? word : [mountSource(service, source, entry), ...rest].join(":");
}

/** A directory of the host, or the volume of another unit. */
function mountSource(service: ServiceBuilder, source: string, entry: UnitEntry): string {
  if (source.endsWith(".volume")) return service.require(source, entry);
  const path = source.startsWith(".") ? service.path(source) : source;
  if (path.startsWith("/") && !/\s/.test(path)) service.add("Unit", "RequiresMountsFor", path);
  return path;
}

function mountWords(service: ServiceBuilder): string[] {
  return listOf(service, "Mount").flatMap((entry) => ["--mount", mountWord(service, entry)]);
}

function mountWord(service: ServiceBuilder, entry: UnitEntry): string {
  const parts = splitCsvWords(unquoted(entry));
  const option = (names: readonly string[]) =>
    parts
      .find((part) => names.includes(part.split("=")[0]!))
      ?.split("=")
      .slice(1)
      .join("=");
  const type = option(["type"]) ?? "volume";
  if (type !== "volume" && type !== "bind" && type !== "tmpfs" && type !== "devpts")
    throw unitError(
      entry,
      `Mount= of type ${type} is not supported: kelp mounts volumes, directories and tmpfs`,
    );
  return parts
    .map((part) => {
      const [key = "", ...value] = part.split("=");
      if ((key !== "source" && key !== "src") || (type !== "volume" && type !== "bind")) return part;
      return `${key}=${mountSource(service, value.join("="), entry)}`;
    })
    .map((part) => (part.includes(",") ? `"${part.replaceAll('"', '""')}"` : part))
    .join(",");
}

function imageWords(service: ServiceBuilder): string[] {
  const image = service.entry("Image");
  const root = service.entry("Rootfs");
  if (image !== undefined && root !== undefined)
    throw unitError(root, "the Image And Rootfs keys conflict can not be specified together");
  if (root !== undefined) return ["--rootfs", root.value];
  if (image === undefined)
    throw unitError({ file: service.quadlet.path, line: 1 }, "no Image or Rootfs key specified");
  return [imageName(service, image)];
}

/** `x.image`, `x.build`: what that service pulls or builds. */
function imageName(service: ServiceBuilder, entry: UnitEntry): string {
  const name = unquoted(entry);
  return /\.(image|build)$/.test(name) ? service.require(name, entry) : name;
}

function execWords(service: ServiceBuilder): string[] {
  const entry = service.entry("Exec");
  return entry === undefined ? [] : entryWords(entry);
}

function addReload(service: ServiceBuilder, name: string, global: readonly string[]): void {
  const command = service.entry("ReloadCmd");
  const signal = service.entry("ReloadSignal");
  if (command !== undefined && signal !== undefined)
    throw unitError(signal, "ReloadCmd and ReloadSignal are mutually exclusive but both are set");
  if (command !== undefined) service.command("ExecReload", ["exec", name, ...entryWords(command)], global);
  if (signal !== undefined) service.command("ExecReload", ["kill", "--signal", signal.value, name], global);
}
