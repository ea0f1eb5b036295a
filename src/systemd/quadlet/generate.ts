/** From all quadlets to all units. */
import { ConfigError, type KelpError } from "../../base/index.ts";
import { lastEntry, parseUnitBoolean, type UnitEntry, unitError } from "../unit-file.ts";
import { lowerContainer } from "./container.ts";
import { installLinks, type UnitLink } from "./install.ts";
import { KEYS, QUADLET_KEYS } from "./keys.ts";
import { QUADLET_TYPES, type QuadletType, REFUSED_TYPES } from "./names.ts";
import { lowerBuild, lowerImage, lowerNetwork } from "./once.ts";
import { checkKeys } from "./rules.ts";
import { ServiceBuilder, type Surroundings } from "./service.ts";
import { ownSection, type Quadlet, serviceOf } from "./source.ts";
import { lowerVolume } from "./volume.ts";
import { NETWORK_WAIT, networkWaitUnit } from "./wait-online.ts";

export interface GeneratedUnit {
  /** `NAME.service`. */
  readonly name: string;
  readonly text: string;
  readonly links: readonly UnitLink[];
  /** The quadlet it is made from; absent for a unit that all share. */
  readonly quadlet?: Quadlet;
}

export interface Generation {
  readonly units: readonly GeneratedUnit[];
  /** One for each file that no unit could be made from. */
  readonly problems: readonly KelpError[];
}

export type GenerationOptions = Omit<Surroundings, "byName">;

const LOWER: Readonly<Record<QuadletType, (service: ServiceBuilder) => void>> = {
  container: lowerContainer,
  volume: lowerVolume,
  network: lowerNetwork,
  image: lowerImage,
  build: lowerBuild,
};

/** Pure: equal files give equal units. A file that cannot be used keeps no other from being used. */
export function generateUnits(quadlets: readonly Quadlet[], options: GenerationOptions): Generation {
  const surroundings: Surroundings = {
    ...options,
    byName: new Map(quadlets.map((quadlet) => [quadlet.name, quadlet])),
  };
  const units: GeneratedUnit[] = [];
  const problems: KelpError[] = [];
  const owners = new Map<string, Quadlet>();
  for (const quadlet of quadlets) {
    try {
      const unit = generateUnit(quadlet, surroundings);
      const owner = owners.get(unit.name);
      if (owner !== undefined)
        throw unitError({ file: quadlet.path, line: 1 }, `${unit.name} is made from ${owner.path} already`);
      owners.set(unit.name, quadlet);
      units.push(unit);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(error);
    }
  }
  const waits = options.user && units.some(({ text }) => text.includes(`After=${NETWORK_WAIT}\n`));
  return { units: waits ? [...units, networkWaitUnit()] : units, problems };
}

function generateUnit(quadlet: Quadlet, surroundings: Surroundings): GeneratedUnit {
  const section = ownSection(quadlet);
  checkKeys(quadlet.file, section, KEYS[quadlet.type]);
  checkKeys(quadlet.file, "Quadlet", QUADLET_KEYS);
  const name = serviceOf(quadlet);
  if (!/^[A-Za-z0-9:_.@\\-]+\.service$/.test(name) || name.startsWith("."))
    throw unitError({ file: quadlet.path, line: 1 }, `${name} is not the name of a unit`);
  const service = new ServiceBuilder(quadlet, surroundings);
  service.add("Unit", "SourcePath", quadlet.path);
  LOWER[quadlet.type](service);
  addNetworkWait(service);
  return {
    name,
    text: service.text((entry) => dependency(entry, service)),
    links: installLinks(quadlet),
    quadlet,
  };
}

/** [Quadlet] DefaultDependencies=: the network is there before anything is pulled. */
function addNetworkWait(service: ServiceBuilder): void {
  const entry = lastEntry(service.quadlet.file, "Quadlet", "DefaultDependencies");
  if (entry !== undefined && entry.value !== "" && !parseUnitBoolean(entry)) return;
  const unit = service.surroundings.user ? NETWORK_WAIT : "network-online.target";
  service.add("Unit", "Wants", unit);
  service.add("Unit", "After", unit);
}

const DEPENDENCIES = new Set([
  "Wants",
  "Requires",
  "Requisite",
  "BindsTo",
  "PartOf",
  "Upholds",
  "Conflicts",
  "Before",
  "After",
]);

/** Names of quadlets among the dependencies become those of their services. */
function dependency(entry: UnitEntry, service: ServiceBuilder): string {
  if (!DEPENDENCIES.has(entry.key)) return entry.value;
  const isQuadlet = (word: string) =>
    [...QUADLET_TYPES, ...Object.keys(REFUSED_TYPES)].some((type) => word.endsWith(`.${type}`));
  return entry.value
    .split(/\s+/)
    .map((word) => (isQuadlet(word) ? serviceOf(service.find(word, entry)) : word))
    .join(" ");
}
