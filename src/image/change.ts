/** `--change`: instructions of a Containerfile applied to an image's run configuration. */
import { posix } from "node:path";
import { UsageError } from "../base/index.ts";
import type { ImageRunConfig } from "../oci/index.ts";

type Apply = (config: ImageRunConfig, value: string) => ImageRunConfig;

const INSTRUCTIONS: Readonly<Record<string, Apply>> = {
  CMD: (config, value) => ({ ...config, Cmd: command(value) }),
  ENTRYPOINT: (config, value) => ({ ...config, Entrypoint: command(value) }),
  ENV: (config, value) => ({ ...config, Env: mergeEnv(config.Env ?? [], pairs("ENV", value)) }),
  EXPOSE: (config, value) => ({ ...config, ExposedPorts: { ...config.ExposedPorts, ...ports(value) } }),
  LABEL: (config, value) => ({
    ...config,
    Labels: { ...config.Labels, ...Object.fromEntries(pairs("LABEL", value)) },
  }),
  ONBUILD: (config, value) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), value] }),
  STOPSIGNAL: (config, value) => ({ ...config, StopSignal: value }),
  USER: (config, value) => ({ ...config, User: value }),
  VOLUME: (config, value) => ({ ...config, Volumes: { ...config.Volumes, ...keys(list(value)) } }),
  WORKDIR: (config, value) => ({
    ...config,
    WorkingDir: posix.resolve("/", config.WorkingDir ?? "/", value),
  }),
};

/**
 * Applies `CMD ["a"]`, `ENV a=b`, … in order. The instruction may be followed by a space or, as podman
 * allows, by `=`.
 *
 * @throws {UsageError} `change-invalid`
 */
export function applyChanges(changes: readonly string[], base: ImageRunConfig = {}): ImageRunConfig {
  return changes.reduce((config, change) => {
    const match = /^\s*([A-Za-z]+)(?:\s+|\s*=\s*)([\s\S]*)$/.exec(change);
    const instruction = match?.[1]?.toUpperCase() ?? "";
    const apply = Object.hasOwn(INSTRUCTIONS, instruction) ? INSTRUCTIONS[instruction] : undefined;
    const value = match?.[2]?.trim() ?? "";
    if (apply === undefined || value === "")
      throw invalid(change, `expected one of ${Object.keys(INSTRUCTIONS).join(", ")} and a value`);
    return apply(config, value);
  }, base);
}

function invalid(change: string, reason: string): UsageError {
  return new UsageError("change-invalid", `cannot apply change ${JSON.stringify(change)}: ${reason}`);
}

/** The JSON form as it is, anything else through the shell. */
function command(value: string): string[] {
  return jsonList(value) ?? ["/bin/sh", "-c", value];
}

function list(value: string): string[] {
  return jsonList(value) ?? value.split(/\s+/);
}

function jsonList(value: string): string[] | undefined {
  if (!value.startsWith("[")) return undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) && parsed.every((item) => typeof item === "string") ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** `a=b c="d e"`, or the old form `a b c` with one name and the rest as its value. */
function pairs(instruction: string, value: string): [string, string][] {
  const words = splitWords(value);
  if (!words[0]?.includes("=")) {
    const space = value.search(/\s/);
    if (space < 0) throw invalid(`${instruction} ${value}`, "a name needs a value");
    return [[value.slice(0, space), value.slice(space).trim()]];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals < 1) throw invalid(`${instruction} ${value}`, `${JSON.stringify(word)} is not NAME=VALUE`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

/** Splits at blanks outside quotes; quotes and backslashes are removed as a shell does. */
function splitWords(text: string): string[] {
  const words: string[] = [];
  const token = /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)|(.)/gs;
  let word: string | undefined;
  for (const [whole, single, double, escaped, plain, odd] of text.matchAll(token)) {
    if (/^\s/.test(whole)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    word = (word ?? "") + (single ?? double?.replace(/\\(["\\$])/g, "$1") ?? escaped ?? plain ?? odd ?? "");
  }
  if (word !== undefined) words.push(word);
  return words;
}

function mergeEnv(env: readonly string[], added: readonly (readonly [string, string])[]): string[] {
  const merged = new Map(env.map((entry) => [entry.split("=", 1)[0] as string, entry]));
  for (const [name, value] of added) merged.set(name, `${name}=${value}`);
  return [...merged.values()];
}

function ports(value: string): Record<string, object> {
  return keys(
    value.split(/\s+/).map((word) => {
      const match = /^(\d{1,5}(?:-\d{1,5})?)(?:\/(tcp|udp|sctp))?$/i.exec(word);
      if (match === null) throw invalid(`EXPOSE ${value}`, `${JSON.stringify(word)} is not a port`);
      return `${match[1]}/${(match[2] ?? "tcp").toLowerCase()}`;
    }),
  );
}

function keys(names: readonly string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}
