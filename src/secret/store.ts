/** Secrets: AES-256-GCM under a key file of mode 0600; name and ID are part of what is authenticated. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, HostError, NotFoundError, randomHex, UsageError } from "../base/index.ts";
import { ensureDir, readIfExists, writeFileAtomic } from "../host/index.ts";
import type { Context, SecretRecord } from "../state/index.ts";

const NAME = /^[^,/=\0]{1,253}$/;
/** podman's limit. */
const MAX_SIZE = 512_000;
const CIPHER = "aes-256-gcm";
const [KEY_SIZE, NONCE_SIZE, TAG_SIZE] = [32, 12, 16];

export interface CreateSecret {
  readonly name: string;
  readonly data: Uint8Array;
  readonly labels: Readonly<Record<string, string>>;
  readonly replace: boolean;
}

/** @throws {UsageError} for a name or size that is not one, {ConflictError} `secret-exists` */
export function createSecret(ctx: Context, { name, data, labels, replace }: CreateSecret): SecretRecord {
  if (!NAME.test(name) || name.trim() === "")
    throw new UsageError(
      "invalid-name",
      `secret name ${JSON.stringify(name)} can not include '=', '/', ',', or the NULL ('\\\\0') and be between 1 and 253 characters: invalid secret name`,
    );
  if (data.length === 0 || data.length >= MAX_SIZE)
    throw new UsageError("invalid-size", "secret data must be larger than 0 and less than 512000 bytes");
  const id = randomHex(13).slice(0, 25);
  const now = Date.now();
  const before = ctx.state.secrets.byName(name);
  const record = {
    id,
    name,
    created: before?.created ?? now,
    updated: now,
    labels,
    data: encrypt(ctx, id, data),
  };
  ctx.state.secrets.put(record, replace);
  return record;
}

/**
 * A secret by its name, ID, or the beginning of exactly one ID.
 *
 * @throws {NotFoundError}
 */
export function findSecret(ctx: Context, word: string): SecretRecord {
  const exact = ctx.state.secrets.byName(word);
  if (exact !== undefined) return exact;
  const found = word === "" ? [] : ctx.state.secrets.list().filter(({ id }) => id.startsWith(word));
  if (found.length > 1) throw new ConflictError("ambiguous-name", `more than one secret begins with ${word}`);
  if (found[0] !== undefined) return found[0];
  throw new NotFoundError(
    "no-such-secret",
    `no secret with name or id ${JSON.stringify(word)}: no such secret`,
  );
}

/** What is in it. @throws {HostError} if the key is not the one it was encrypted with */
export function openSecret(ctx: Context, { id, name, data }: SecretRecord): Buffer {
  const bytes = Buffer.from(data);
  try {
    const decipher = createDecipheriv(CIPHER, readKey(ctx), bytes.subarray(0, NONCE_SIZE));
    decipher.setAAD(Buffer.from(id));
    decipher.setAuthTag(bytes.subarray(NONCE_SIZE, NONCE_SIZE + TAG_SIZE));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_SIZE + TAG_SIZE)), decipher.final()]);
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    throw new HostError(
      "wrong-key",
      `cannot read secret ${name}: the key in ${keyPath(ctx)} is another one`,
      {
        cause,
        hint: "restore that file from a backup, or make the secret anew",
      },
    );
  }
}

function encrypt(ctx: Context, id: string, data: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_SIZE);
  const cipher = createCipheriv(CIPHER, makeKey(ctx), nonce);
  cipher.setAAD(Buffer.from(id));
  const body = Buffer.concat([cipher.update(data), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** Outside the store: who gets a copy of that has no secret yet. */
function keyPath(ctx: Context): string {
  return join(ctx.paths.config, "secrets.key");
}

function makeKey(ctx: Context): Buffer {
  if (readIfExists(keyPath(ctx)) === undefined) {
    ensureDir(ctx.paths.config);
    writeFileAtomic(keyPath(ctx), `${randomBytes(KEY_SIZE).toString("hex")}\n`, { mode: 0o600, sync: true });
  }
  return readKey(ctx);
}

function readKey(ctx: Context): Buffer {
  const path = keyPath(ctx);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new HostError("missing-key", `cannot read secrets: their key ${path} is missing`, {
      hint: "restore that file from a backup, or make the secrets anew",
    });
  if ((found.mode & 0o077) !== 0 || found.uid !== process.getuid?.())
    throw new HostError("open-key", `cannot use secrets: others may read or change ${path}`, {
      hint: `chmod 600 ${path}`,
    });
  const key = Buffer.from(readFileSync(path, "utf8").trim(), "hex");
  if (key.length === KEY_SIZE) return key;
  throw new HostError("wrong-key", `cannot use secrets: ${path} is no key`, {
    hint: "restore that file from a backup, or remove it and make the secrets anew",
  });
}

/** One secret in the shape `podman secret inspect` prints. */
export function inspectSecret(secret: SecretRecord) {
  return {
    ID: secret.id,
    CreatedAt: new Date(secret.created).toISOString(),
    UpdatedAt: new Date(secret.updated).toISOString(),
    Spec: { Name: secret.name, Driver: { Name: "file", Options: {} }, Labels: secret.labels },
  };
}
