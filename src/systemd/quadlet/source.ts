/** A quadlet file as read, and files that hold several. */
import type { Place } from "../unit-file.ts";
import { lastEntry, type UnitFile, unitError } from "../unit-file.ts";
import {
  nameParts,
  QUADLET_TYPES,
  type QuadletType,
  resourceName,
  serviceName,
  TYPE_SECTIONS,
} from "./names.ts";

export interface Quadlet {
  readonly path: string;
  /** Its file's name. */
  readonly name: string;
  readonly type: QuadletType;
  /** With its drop-ins. */
  readonly file: UnitFile;
}

/** The section that is quadlet's own. */
export function ownSection({ type }: Quadlet): string {
  return TYPE_SECTIONS[type];
}

/** The last value of a key of that section; an empty one counts as none. */
export function ownValue(quadlet: Quadlet, key: string): string | undefined {
  return lastEntry(quadlet.file, ownSection(quadlet), key)?.value || undefined;
}

export function serviceOf(quadlet: Quadlet): string {
  return serviceName(quadlet.name, quadlet.type, ownValue(quadlet, "ServiceName"));
}

/** By which name others know what the service makes. */
export function madeBy(quadlet: Quadlet): string | undefined {
  switch (quadlet.type) {
    case "container": {
      const { isTemplated } = nameParts(quadlet.name);
      const stem = serviceOf(quadlet).slice(0, -".service".length);
      return (
        ownValue(quadlet, "ContainerName") ?? (isTemplated ? resourceName(quadlet.name) : `systemd-${stem}`)
      );
    }
    case "volume":
      return ownValue(quadlet, "VolumeName") ?? resourceName(quadlet.name);
    case "network":
      return ownValue(quadlet, "NetworkName") ?? resourceName(quadlet.name);
    case "image":
      return ownValue(quadlet, "ImageTag") ?? ownValue(quadlet, "Image");
    case "build":
      return quadlet.file.sections
        .find(({ name }) => name === ownSection(quadlet))
        ?.entries.find(({ key, value }) => key === "ImageTag" && value !== "")?.value;
  }
}

export interface SplitQuadlet {
  /** `NAME.TYPE`. */
  readonly name: string;
  readonly text: string;
}

const NAME_LINE = /^\s*[#;]\s*FileName\s*=\s*(\S+)\s*$/m;

/**
 * The parts of a `.quadlets` file: several quadlets with lines `---` between them, each named by a comment
 * `# FileName=NAME`.
 *
 * @throws {ConfigError} for a part without a name, or of no known type
 */
export function splitQuadlets(text: string, path: string): SplitQuadlet[] {
  const parts: SplitQuadlet[] = [];
  let line = 1;
  for (const part of text.split(/^---[ \t]*$/m)) {
    const place = { file: path, line };
    line += part.split("\n").length - 1;
    if (part.trim() === "") continue;
    parts.push(namedPart(part.replace(/^\n/, ""), place));
  }
  return parts;
}

function namedPart(text: string, place: Place): SplitQuadlet {
  const name = NAME_LINE.exec(text)?.[1];
  if (name === undefined)
    throw unitError(place, "missing required '# FileName=<NAME>' comment at the beginning of a section");
  if (!/^[\w@%.:-]+$/.test(name) || name.startsWith("."))
    throw unitError(place, `FileName=${name} is not a name`);
  const type = QUADLET_TYPES.find((candidate) =>
    new RegExp(`^\\[${TYPE_SECTIONS[candidate]}\\]\\s*$`, "m").test(text),
  );
  if (type === undefined) throw unitError(place, `the section of ${name} holds no quadlet that kelp knows`);
  return { name: `${name}.${type}`, text: text.endsWith("\n") ? text : `${text}\n` };
}
