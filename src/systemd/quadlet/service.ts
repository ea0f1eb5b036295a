/** The service unit being made from a quadlet: the file's own sections, and what quadlet adds to them. */
import { dirname, join } from "node:path";
import { ConfigError } from "../../base/index.ts";
import { lastEntry, type UnitEntry, unitError } from "../unit-file.ts";
import { unitCommand } from "../unit-words.ts";
import { madeBy, ownSection, ownValue, type Quadlet, serviceOf } from "./source.ts";

/** What all units of one generation share. */
export interface Surroundings {
  /** Absolute path of kelp. */
  readonly command: string;
  /** For `systemd --user`; else for the system. */
  readonly user: boolean;
  /** All quadlets by their files' names. */
  readonly byName: ReadonlyMap<string, Quadlet>;
  exists(path: string): boolean;
}

export class ServiceBuilder {
  readonly #added = new Map<string, string[]>();

  constructor(
    readonly quadlet: Quadlet,
    readonly surroundings: Surroundings,
  ) {}

  /** One more line of a section. */
  add(section: string, key: string, value: string): void {
    const lines = this.#added.get(section) ?? [];
    const line = `${key}=${value}`;
    if (!lines.includes(line)) lines.push(line);
    this.#added.set(section, lines);
  }

  /** The same unless the file says it itself. */
  default(section: string, key: string, value: string): void {
    if (lastEntry(this.quadlet.file, section, key) === undefined) this.add(section, key, value);
  }

  /** A command line of kelp's, after the global words the file asks for. */
  command(key: string, words: readonly string[], global: readonly string[] = [], sign = ""): void {
    this.add("Service", key, sign + unitCommand([this.surroundings.command, ...global, ...words]));
  }

  /** The service needs what another quadlet's service makes. @returns what that is called */
  require(reference: string, entry: UnitEntry): string {
    const other = this.find(reference, entry);
    const service = serviceOf(other);
    this.add("Unit", "Requires", service);
    this.add("Unit", "After", service);
    const name = madeBy(other);
    if (name === undefined) throw unitError(entry, `${reference} does not say what it makes`);
    return name;
  }

  find(reference: string, entry: UnitEntry): Quadlet {
    const other = this.surroundings.byName.get(reference);
    if (other === undefined) {
      const kind = reference.slice(reference.lastIndexOf(".") + 1);
      throw new ConfigError(
        "missing-quadlet",
        `cannot use ${entry.file}:${entry.line}: requested Quadlet ${kind} ${reference} was not found`,
        { hint: `name the file ${reference} beside it, or install that one first` },
      );
    }
    return other;
  }

  /** A path as the file means it: relative to itself. Specifiers are systemd's. */
  path(text: string): string {
    return text.startsWith("/") || text.startsWith("%") ? text : join(dirname(this.quadlet.path), text);
  }

  value(key: string): string | undefined {
    return ownValue(this.quadlet, key);
  }

  entry(key: string): UnitEntry | undefined {
    const found = lastEntry(this.quadlet.file, ownSection(this.quadlet), key);
    return found?.value === "" ? undefined : found;
  }

  /** The text of the unit. Quadlet's own sections stay, under names that systemd passes over. */
  text(dependency: (entry: UnitEntry) => string): string {
    const sections = new Map<string, string[]>();
    const ours = [ownSection(this.quadlet), "Quadlet"];
    for (const { name, entries } of this.quadlet.file.sections) {
      const shown = ours.includes(name) ? `X-${name}` : name;
      const written = entries.map((entry) => {
        const text = name === "Unit" ? dependency(entry) : entry.value;
        return `${entry.key}=${text}`;
      });
      sections.set(shown, written);
    }
    for (const [name, lines] of this.#added) sections.set(name, [...(sections.get(name) ?? []), ...lines]);
    const body = [...sections].map(([name, lines]) => [`[${name}]`, ...lines, ""].join("\n")).join("\n");
    return `# Made by kelp quadlet from ${this.quadlet.path}: changes here are lost.\n\n${body}`;
  }
}
