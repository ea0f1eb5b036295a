/** The words of one `RUN --mount`. */
import type { StepContext } from "./step-context.ts";

export type MountType = "bind" | "cache" | "tmpfs" | "secret" | "ssh";

export interface MountWords {
  readonly type: MountType;
  readonly target?: string;
  readonly source?: string;
  readonly from?: string;
  readonly id?: string;
  readonly env?: string;
  readonly size?: string;
  readonly sharing: "shared" | "private" | "locked";
  readonly required: boolean;
  readonly readOnly?: boolean;
  readonly mode?: number;
  readonly uid: number;
  readonly gid: number;
}

/** Which keys each type takes; another one is a mistake, or asks for what no file may. */
const KEYS: Readonly<Record<MountType, readonly string[]>> = {
  bind: ["target", "source", "from", "readonly", "relabel"],
  cache: ["target", "id", "source", "from", "readonly", "sharing", "mode", "uid", "gid", "relabel"],
  tmpfs: ["target", "size"],
  secret: ["target", "id", "env", "required", "mode", "uid", "gid"],
  ssh: ["target", "id", "required", "mode", "uid", "gid"],
};

const ALIASES: Readonly<Record<string, string>> = {
  dst: "target",
  destination: "target",
  src: "source",
  ro: "readonly",
  rw: "readwrite",
  z: "relabel",
  Z: "relabel",
};

/** Words split at commas, with variables replaced. @throws {UsageError} at the instruction's line */
export function readMount(text: string, step: StepContext): MountWords {
  const fields = (text.match(/(?:"(?:[^"]|"")*"|[^,])+/g) ?? []).map((field) =>
    field.replace(/^"(.*)"$/s, "$1"),
  );
  const type = (fields.find((field) => field.startsWith("type="))?.slice(5) ?? "bind") as MountType;
  if (!Object.hasOwn(KEYS, type))
    step.fail(
      `--mount: unsupported mount type ${JSON.stringify(type)}`,
      `types: ${Object.keys(KEYS).join(", ")}`,
    );
  const given = new Map<string, string>();
  for (const field of fields.filter((word) => !word.startsWith("type="))) addField(type, field, given, step);
  return words(type, given, step);
}

function addField(type: MountType, field: string, given: Map<string, string>, step: StepContext): void {
  const equals = field.indexOf("=");
  const word = equals < 0 ? field : field.slice(0, equals);
  const value = equals < 0 ? "true" : step.word(field.slice(equals + 1));
  const named = ALIASES[word] ?? word;
  const key = named === "readwrite" ? "readonly" : named;
  if (!KEYS[type].includes(key))
    step.fail(`--mount=type=${type} has no option ${word}`, `it takes ${KEYS[type].join(", ")}`);
  given.set(key, named === "readwrite" ? String(!truth(word, value, step)) : value);
}

function words(type: MountType, given: ReadonlyMap<string, string>, step: StepContext): MountWords {
  const text = (key: "target" | "source" | "from" | "id" | "env" | "size") => {
    const value = given.get(key);
    return value === undefined ? {} : { [key]: value };
  };
  const sharing = given.get("sharing") ?? "shared";
  if (sharing !== "shared" && sharing !== "private" && sharing !== "locked")
    return step.fail(`--mount: sharing=${sharing} is none of shared, private, locked`);
  const readOnly = given.get("readonly");
  const mode = given.get("mode");
  if (mode !== undefined && !/^[0-7]{1,4}$/.test(mode)) step.fail(`--mount: mode=${mode} is not octal`);
  return {
    type,
    ...text("target"),
    ...text("source"),
    ...text("from"),
    ...text("id"),
    ...text("env"),
    ...text("size"),
    sharing,
    required: truth("required", given.get("required") ?? "false", step),
    ...(readOnly === undefined ? {} : { readOnly: truth("readonly", readOnly, step) }),
    ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }),
    uid: number("uid", given.get("uid"), step),
    gid: number("gid", given.get("gid"), step),
  };
}

function truth(key: string, value: string, step: StepContext): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  return step.fail(`--mount: ${key}=${value} is neither true nor false`);
}

function number(key: string, value: string | undefined, step: StepContext): number {
  if (value === undefined) return 0;
  return /^\d{1,9}$/.test(value) ? Number(value) : step.fail(`--mount: ${key}=${value} is not a number`);
}
