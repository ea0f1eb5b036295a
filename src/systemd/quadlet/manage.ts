/** A user's quadlets: installed, listed, removed, and the units made from them. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConflictError, type KelpError, NotFoundError } from "../../base/index.ts";
import type { Paths } from "../../host/index.ts";
import { systemctl } from "../systemctl.ts";
import { parseUnitFile } from "../unit-file.ts";
import { type QuadletApp, readApps, removeApp } from "./apps.ts";
import { findQuadlets, quadletDirectories, readQuadlets } from "./find.ts";
import { type Generation, generateUnits } from "./generate.ts";
import { type NewFile, writeNewFiles } from "./install-files.ts";
import { quadletType } from "./names.ts";
import { ownValue, type Quadlet, serviceOf } from "./source.ts";
import { syncUnits } from "./sync-units.ts";

/** Where a user's files are. */
export interface QuadletHome {
  /** Files as they were written. */
  readonly sources: string;
  /** Units that `systemd --user` reads. */
  readonly units: string;
  /** Absolute path of kelp. */
  readonly command: string;
}

export function quadletHome({ config }: Pick<Paths, "config">, command: string): QuadletHome {
  const home = dirname(config);
  return { sources: join(home, "containers/systemd"), units: join(home, "systemd/user"), command };
}

/** What the user's own files become; those of other places are a generator's to translate. */
export function generateHome({ sources, command }: QuadletHome): Generation {
  const { quadlets, problems } = readQuadlets(findQuadlets([sources]));
  const generated = generateUnits(quadlets, { command, user: true, exists: existsSync });
  return { units: generated.units, problems: [...problems, ...generated.problems] };
}

export interface Installed {
  /** Paths of the files. */
  readonly paths: readonly string[];
  /** Quadlets that cannot be translated as long as others are missing. */
  readonly problems: readonly KelpError[];
}

/**
 * Installs files and writes the units.
 *
 * @throws {ConfigError} with file and line for a quadlet that cannot be used; then nothing was written
 */
export function installQuadlets(home: QuadletHome, files: readonly NewFile[], replace: boolean): Installed {
  refuseUnusable(home, files);
  writeNewFiles(home.sources, files, replace);
  return { paths: files.map(({ name }) => join(home.sources, name)), problems: syncHome(home) };
}

/** Writes the units anew. */
export function syncHome(home: QuadletHome): readonly KelpError[] {
  const { units, problems } = generateHome(home);
  syncUnits(home.units, units);
  return problems;
}

/** Each new file by itself; a reference to what is not there yet is no fault of its own. */
function refuseUnusable(home: QuadletHome, files: readonly NewFile[]): void {
  const quadlets = files.flatMap(({ name, content }) => asQuadlet(join(home.sources, name), name, content));
  const { problems } = generateUnits(quadlets, { command: home.command, user: true, exists: existsSync });
  const [problem] = problems.filter(({ code }) => code !== "missing-quadlet");
  if (problem !== undefined) throw problem;
}

function asQuadlet(path: string, name: string, content: Buffer): Quadlet[] {
  const type = quadletType(name);
  if (type === undefined) return [];
  return [{ path, name, type, file: parseUnitFile(content.toString("utf8"), path) }];
}

export interface ListedQuadlet {
  readonly Name: string;
  readonly UnitName: string;
  readonly Path: string;
  readonly Status: string;
  readonly App: string;
  readonly Pod: string;
}

/** All quadlets that are this user's, with what systemd says of their units. */
export async function listQuadlets(
  home: QuadletHome,
  places: Parameters<typeof quadletDirectories>[0],
): Promise<ListedQuadlet[]> {
  const { quadlets } = readQuadlets(findQuadlets(quadletDirectories(places)));
  const apps = readApps(home.sources);
  const services = quadlets.map(serviceOf);
  const states = await unitStates(services);
  return quadlets.map((quadlet, index) => ({
    Name: quadlet.name,
    UnitName: services[index]!,
    Path: quadlet.path,
    Status: states.get(services[index]!) ?? "Not loaded",
    App: shownApp(apps, quadlet.name),
    Pod: ownValue(quadlet, "Pod") ?? "",
  }));
}

/** A quadlet installed by itself is no application to speak of. */
function shownApp(apps: readonly QuadletApp[], name: string): string {
  const app = apps.find(({ files }) => files.includes(name))?.name ?? "";
  return app === `.${name}.app` ? "" : app;
}

/** `active/running` and the like, of those units that systemd has loaded; none where there is no systemd. */
export async function unitStates(units: readonly string[]): Promise<Map<string, string>> {
  const states = new Map<string, string>();
  // A template has no state of its own, and systemctl would not answer at all.
  const asked = units.filter((unit) => !unit.includes("@."));
  if (asked.length === 0) return states;
  const { stdout } = await systemctl([
    "show",
    "--property=Id,LoadState,ActiveState,SubState",
    "--",
    ...asked,
  ]);
  for (const block of stdout.split("\n\n")) {
    const field = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(block)?.[1] ?? "";
    if (field("LoadState") === "loaded")
      states.set(field("Id"), `${field("ActiveState")}/${field("SubState")}`);
  }
  return states;
}

/** The path of an installed file. @throws {NotFoundError} */
export function quadletPath(name: string, places: Parameters<typeof quadletDirectories>[0]): string {
  const path = findQuadlets(quadletDirectories(places)).files.find((file) => file.endsWith(`/${name}`));
  if (path === undefined) throw noSuchQuadlet(name);
  return path;
}

function noSuchQuadlet(name: string): NotFoundError {
  return new NotFoundError("no-such-quadlet", `could not locate quadlet ${JSON.stringify(name)}`);
}

/**
 * Removes a quadlet or an application with everything installed along with it.
 *
 * @param force stops what runs; else that is refused
 */
export async function removeQuadlet(home: QuadletHome, name: string, force: boolean): Promise<void> {
  const apps = readApps(home.sources);
  const found = apps.find((app) => app.name === name || app.files.includes(name));
  const app =
    found ??
    (existsSync(join(home.sources, name)) && quadletType(name) !== undefined
      ? { name: "", files: [name] }
      : undefined);
  if (app === undefined) throw noSuchQuadlet(name);
  const { quadlets } = readQuadlets(findQuadlets([home.sources]));
  const services = quadlets.filter((quadlet) => app.files.includes(quadlet.name)).map(serviceOf);
  const running = [...(await unitStates(services))].filter(([, state]) =>
    /^(active|activating|reloading)\//.test(state),
  );
  const [first] = running;
  if (first !== undefined && !force) {
    throw new ConflictError(
      "quadlet-running",
      `quadlet ${name} is running and force is not set, refusing to remove: ${first[0]}`,
      {
        hint: "--force stops it first",
      },
    );
  }
  if (running.length > 0) await systemctl(["stop", "--", ...running.map(([unit]) => unit)], 120_000);
  removeApp(home.sources, app);
}

/** Names of everything installed by `install`, applications as one. */
export function installedNames(home: QuadletHome): string[] {
  const apps = readApps(home.sources);
  const covered = new Set(apps.flatMap(({ files }) => files));
  const { files } = findQuadlets([home.sources]);
  const loose = files
    .map((path) => path.slice(path.lastIndexOf("/") + 1))
    .filter((name) => !covered.has(name));
  return [...apps.map(({ name }) => name), ...loose.filter((name) => quadletType(name) !== undefined)];
}
