/** The section [Install], carried out as `systemctl enable` would. */
import { listEntries, type UnitEntry, unitError } from "../unit-file.ts";
import { nameParts } from "./names.ts";
import { entryWords } from "./rules.ts";
import { type Quadlet, serviceOf } from "./source.ts";

export interface UnitLink {
  /** Beneath the directory of units. */
  readonly path: string;
  readonly target: string;
}

const WANTS = { WantedBy: "wants", RequiredBy: "requires", UpheldBy: "upholds" } as const;
const KNOWN = new Set(["Alias", "DefaultInstance", ...Object.keys(WANTS)]);
const UNIT_NAME = /^[A-Za-z0-9:_.@\\-]+\.[a-z]+$/;

/** Links for a service; a template without a DefaultInstance= has none. */
export function installLinks(quadlet: Quadlet): UnitLink[] {
  const entries = (key: string) => listEntries(quadlet.file, "Install", key);
  for (const entry of quadlet.file.sections.find(({ name }) => name === "Install")?.entries ?? [])
    if (!KNOWN.has(entry.key)) throw unitError(entry, `unsupported key '${entry.key}' in group 'Install'`);
  const service = serviceOf(quadlet);
  const { isTemplated, instance } = nameParts(quadlet.name);
  const chosen = entries("DefaultInstance").at(-1)?.value;
  const started =
    isTemplated && instance === ""
      ? chosen === undefined
        ? undefined
        : service.replace("@.service", `@${chosen}.service`)
      : service;
  const aliases = entries("Alias").flatMap((entry) =>
    unitNames(entry).map((path) => ({ path, target: service })),
  );
  if (started === undefined) return aliases;
  const wants = Object.entries(WANTS).flatMap(([key, suffix]) =>
    entries(key).flatMap((entry) =>
      unitNames(entry).map((unit) => ({ path: `${unit}.${suffix}/${started}`, target: `../${service}` })),
    ),
  );
  return [...aliases, ...wants];
}

/** They become names of files. */
function unitNames(entry: UnitEntry): string[] {
  return entryWords(entry).map((word) => {
    if (!UNIT_NAME.test(word) || word.startsWith("."))
      throw unitError(entry, `${word} is not the name of a unit`);
    return word;
  });
}
