/** The types whose services make something once: .network, .image and .build here, .volume in volume.ts. */
import { dirname } from "node:path";
import { lastEntry, listEntries, parseUnitBoolean, unitError } from "../unit-file.ts";
import { globalWords, networkName, volumeWord } from "./container.ts";
import { KEYS } from "./keys.ts";
import { applyRules, entryWords } from "./rules.ts";
import type { ServiceBuilder } from "./service.ts";
import { madeBy, ownSection } from "./source.ts";

export function lowerNetwork(service: ServiceBuilder): void {
  const name = madeBy(service.quadlet)!;
  addOnce(service, ["network", "create", "--ignore", ...words(service), ...extra(service), name]);
  const remove = service.entry("NetworkDeleteOnStop");
  if (remove !== undefined && parseUnitBoolean(remove))
    service.command("ExecStopPost", ["network", "rm", name], globalWords(service));
}

export function lowerImage(service: ServiceBuilder): void {
  const image = service.value("Image");
  if (image === undefined) throw unitError(top(service), "no Image key specified");
  addOnce(service, ["image", "pull", ...words(service), ...extra(service), image]);
}

export function lowerBuild(service: ServiceBuilder): void {
  if (madeBy(service.quadlet) === undefined) throw unitError(top(service), "no ImageTag key specified");
  const { file } = service.quadlet;
  const section = ownSection(service.quadlet);
  const networks = listEntries(file, section, "Network").flatMap((entry) =>
    entryWords(entry).flatMap((word) => ["--network", networkName(service, word, entry)]),
  );
  const volumes = listEntries(file, section, "Volume").flatMap((entry) =>
    entryWords(entry).flatMap((word) => ["--volume", volumeWord(service, word, entry)]),
  );
  addOnce(service, [
    "build",
    ...words(service),
    ...networks,
    ...volumes,
    ...extra(service),
    ...buildContext(service),
  ]);
}

/** --file and the directory that is built: SetWorkingDirectory= of the unit or the file, a path, or a URL. */
function buildContext(service: ServiceBuilder): string[] {
  const wanted = service.value("SetWorkingDirectory");
  const file = service.value("File");
  if (wanted !== undefined && REMOTE_CONTEXT.test(wanted)) return [...fileFlag(file), wanted];
  const isLocal = file !== undefined && !/^https?:\/\//.test(file);
  const path = isLocal ? service.path(file) : undefined;
  const directory = workingDirectory(service, wanted, path);
  if (directory !== undefined) service.default("Service", "WorkingDirectory", directory);
  const given = lastEntry(service.quadlet.file, "Service", "WorkingDirectory")?.value;
  const context = given ?? directory ?? (file?.startsWith("/") ? dirname(file) : undefined);
  if (context === undefined) {
    throw unitError(
      top(service),
      file === undefined
        ? "neither SetWorkingDirectory, nor File key specified"
        : "relative path in File key requires SetWorkingDirectory key to be set",
    );
  }
  return [...fileFlag(given === undefined ? (path ?? file) : file), context];
}

const REMOTE_CONTEXT = /^(https?|git|ssh):\/\/|^git@|\.git$/;

function fileFlag(path: string | undefined): string[] {
  return path === undefined ? [] : ["--file", path];
}

function workingDirectory(service: ServiceBuilder, wanted: string | undefined, file: string | undefined) {
  if (wanted === "unit") return dirname(service.quadlet.path);
  if (wanted === "file") return file === undefined ? undefined : dirname(file);
  return wanted === undefined ? undefined : service.path(wanted);
}

/** A service that runs the command and then counts as running, for those that need what it made. */
export function addOnce(service: ServiceBuilder, command: readonly string[]): void {
  service.default("Service", "Type", "oneshot");
  // What was built may be out of date at the next start; what the others make is not.
  if (service.quadlet.type !== "build") service.default("Service", "RemainAfterExit", "yes");
  service.default("Service", "SyslogIdentifier", "%N");
  service.command("ExecStart", command, globalWords(service));
}

/** What the rules of its keys make of the quadlet. */
export function words(service: ServiceBuilder): string[] {
  const { quadlet } = service;
  return applyRules(quadlet.file, ownSection(quadlet), KEYS[quadlet.type]);
}

/** PodmanArgs=. */
export function extra(service: ServiceBuilder): string[] {
  return listEntries(service.quadlet.file, ownSection(service.quadlet), "PodmanArgs").flatMap(entryWords);
}

function top(service: ServiceBuilder): { file: string; line: number } {
  return { file: service.quadlet.path, line: 1 };
}
