/** Flags of everything that talks to a registry, and what they come to. */
import { parseDuration, UsageError } from "../../base/index.ts";
import type { PullOptions } from "../../image/index.ts";
import type { Context } from "../../state/index.ts";
import type { OptionTable } from "../command.ts";

export const AUTH_OPTIONS = {
  authfile: {
    kind: "string",
    value: "FILE",
    text: "Registry credentials instead of those in auth.json",
    completes: "file",
  },
  "cert-dir": {
    kind: "string",
    value: "DIR",
    text: "Certificates of the registry, and our own for it",
    completes: "dir",
  },
  "tls-verify": { kind: "boolean", default: true, text: "Require HTTPS and verify certificates" },
} as const satisfies OptionTable;

export const CREDS_OPTION = {
  creds: { kind: "string", value: "USER[:PASSWORD]", text: "Registry credentials instead of stored ones" },
} as const satisfies OptionTable;

export const RETRY_OPTIONS = {
  retry: {
    kind: "int",
    value: "N",
    default: 3,
    setting: "retry",
    text: "Further attempts in case of failure when performing pull",
  },
  "retry-delay": {
    kind: "string",
    value: "DURATION",
    setting: "retryDelay",
    text: "Pause between attempts in case of pull failures",
  },
} as const satisfies OptionTable;

export const PLATFORM_OPTIONS = {
  arch: { kind: "string", value: "ARCH", text: "Architecture of the image instead of this machine's" },
  os: { kind: "string", value: "OS", text: "Operating system of the image" },
  platform: { kind: "string", value: "OS/ARCH[/VARIANT]", text: "All three in one (kelp help platforms)" },
  variant: { kind: "string", value: "VARIANT", text: "Variant of the architecture" },
} as const satisfies OptionTable;

/** Of whatever may fetch an image. */
export const FETCH_OPTIONS = {
  ...PLATFORM_OPTIONS,
  ...AUTH_OPTIONS,
  ...CREDS_OPTION,
  "decryption-key": {
    kind: "list",
    value: "KEY",
    text: "Key for an encrypted image",
    unsupported: "kelp does not decrypt images",
  },
  "disable-content-trust": {
    kind: "boolean",
    default: true,
    hidden: true,
    text: "Has no effect; docker has it",
  },
  ...RETRY_OPTIONS,
} as const satisfies OptionTable;

export interface AccessFlags {
  readonly authfile?: string | undefined;
  readonly "cert-dir"?: string | undefined;
  readonly creds?: string | undefined;
  readonly "tls-verify"?: boolean;
}

/** @param given `--tls-verify` counts only if somebody wrote it: registries.conf decides otherwise */
export function accessOptions(
  flags: AccessFlags,
  given: ReadonlySet<string>,
): NonNullable<PullOptions["access"]> {
  return {
    authFile: flags.authfile,
    certDir: flags["cert-dir"],
    ...(flags.creds === undefined ? {} : { credentials: parseCreds(flags.creds) }),
    ...(given.has("tls-verify") ? { tlsVerify: flags["tls-verify"] } : {}),
  };
}

function parseCreds(text: string): { username: string; password: string } {
  const colon = text.indexOf(":");
  const username = colon < 0 ? text : text.slice(0, colon);
  if (username === "") throw new UsageError("creds-invalid", "credentials can't be empty");
  return { username, password: colon < 0 ? "" : text.slice(colon + 1) };
}

export interface RetryFlags {
  readonly retry?: number | undefined;
  readonly "retry-delay"?: string | undefined;
}

/** @throws {UsageError} `invalid-duration` */
export function retryOptions(
  ctx: Context,
  flags: RetryFlags,
  given: ReadonlySet<string>,
): Pick<PullOptions, "retries" | "retryDelayMs"> {
  const delay = flags["retry-delay"] ?? ctx.settings.retryDelay;
  return {
    retries: Math.max(0, (given.has("retry") ? flags.retry : undefined) ?? ctx.settings.retry),
    retryDelayMs: delay === "" ? undefined : parseDuration(delay) / 1e6,
  };
}
