/**
 * --secret: what a container gets of the secrets. A file is decrypted into the runtime directory, which is memory, at
 * every start and goes with the container's end; a variable is in the plan that is carried out and in no other copy of it.
 */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NotFoundError, UsageError } from "../base/index.ts";
import { containerRunDir } from "../host/index.ts";
import type { ContainerConfig, ContainerRecord, Context } from "../state/index.ts";

type SecretUse = ContainerConfig["secrets"][number];

const PLACE = "/run/secrets";

/** `SECRET[,type=mount|env][,target=…][,uid=,gid=,mode=]` @throws {NotFoundError} for a secret that is not there */
export async function secretUses(ctx: Context, flags: readonly string[]): Promise<SecretUse[]> {
  if (flags.length === 0) return [];
  const { findSecret } = await import("../secret/index.ts");
  const uses = flags.map(parseUse);
  for (const { name } of uses) findSecret(ctx, name);
  return uses;
}

function parseUse(flag: string): SecretUse {
  const [name = "", ...fields] = flag.split(",");
  const words = new Map(fields.map((field) => field.split("=", 2) as [string, string | undefined]));
  const wrong = (reason: string) =>
    new UsageError("invalid-secret", `cannot use --secret ${flag}: ${reason}`, {
      hint: "give SECRET[,type=mount|env][,target=TARGET][,uid=UID][,gid=GID][,mode=OCTAL]",
    });
  for (const [key, value] of words)
    if (!["type", "target", "uid", "gid", "mode"].includes(key) || !value)
      throw wrong(`unknown option ${key}`);
  const type = words.get("type") ?? "mount";
  if (type !== "mount" && type !== "env") throw wrong(`type ${type} is invalid`);
  if (type === "env" && ["uid", "gid", "mode"].some((key) => words.has(key)))
    throw wrong("a variable has no owner and no mode");
  const number = (key: string, fallback: string, base: number) => {
    const text = words.get(key) ?? fallback;
    if (!(base === 8 ? /^[0-7]{1,4}$/ : /^\d{1,10}$/).test(text)) throw wrong(`${key} ${text} is invalid`);
    return Number.parseInt(text, base);
  };
  return {
    name,
    type,
    target: words.get("target") ?? name,
    uid: number("uid", "0", 10),
    gid: number("gid", "0", 10),
    mode: number("mode", "0444", 8),
  };
}

export interface SecretFile {
  readonly source: string;
  readonly destination: string;
  readonly uid: number;
  readonly gid: number;
}

export interface ReadySecrets {
  readonly files: readonly SecretFile[];
  readonly env: readonly string[];
}

/** The directory that goes with the container's end. */
export function secretsDir(ctx: Context, id: string): string {
  return join(containerRunDir(ctx.paths, id), "secrets");
}

/** The secrets that are variables, for one more process of the container. */
export async function secretVariables(ctx: Context, { config }: ContainerRecord): Promise<string[]> {
  const uses = config.secrets.filter(({ type }) => type === "env");
  if (uses.length === 0) return [];
  const { findSecret, openSecret } = await import("../secret/index.ts");
  return uses.flatMap(({ name, target }) => {
    try {
      return [`${target}=${openSecret(ctx, findSecret(ctx, name)).toString()}`];
    } catch (error) {
      // Removed since the container started; that is no reason to keep anybody out of it.
      if (error instanceof NotFoundError) return [];
      throw error;
    }
  });
}

/** Decrypts what a start needs. */
export async function prepareSecrets(ctx: Context, { id, config }: ContainerRecord): Promise<ReadySecrets> {
  if (config.secrets.length === 0) return { files: [], env: [] };
  const { findSecret, openSecret } = await import("../secret/index.ts");
  const directory = secretsDir(ctx, id);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  const files: SecretFile[] = [];
  const env: string[] = [];
  for (const [index, use] of config.secrets.entries()) {
    const data = openSecret(ctx, findSecret(ctx, use.name));
    if (use.type === "env") {
      env.push(`${use.target}=${data.toString()}`);
      continue;
    }
    const source = join(directory, String(index));
    writeFileSync(source, data, { mode: 0o600 });
    chmodSync(source, use.mode);
    const destination = use.target.startsWith("/") ? use.target : `${PLACE}/${use.target}`;
    files.push({ source, destination, uid: use.uid, gid: use.gid });
  }
  return { files, env };
}
