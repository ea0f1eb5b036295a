/** Flags of push and manifest push. */
import { UsageError } from "../../base/index.ts";
import type { PushOptions } from "../../image/index.ts";
import type { OptionTable } from "../command.ts";
import { AUTH_OPTIONS, CREDS_OPTION } from "./registry.ts";

const NO_SIGNATURES = "kelp does not sign images";
const NO_ENCRYPTION = "kelp does not encrypt images";

export const PUSH_OPTIONS = {
  ...AUTH_OPTIONS,
  ...CREDS_OPTION,
  "compression-format": {
    kind: "string",
    value: "FORMAT",
    text: "Compress every layer with gzip or zstd",
    completes: ["gzip", "zstd"],
  },
  "compression-level": { kind: "int", value: "N", text: "How hard the compression tries" },
  digestfile: {
    kind: "string",
    value: "FILE",
    text: "Write the digest of the pushed manifest to a file",
    completes: "file",
  },
  "disable-content-trust": {
    kind: "boolean",
    default: true,
    hidden: true,
    text: "Has no effect; docker has it",
  },
  "encrypt-layer": { kind: "list", value: "N", text: "Layers to encrypt", unsupported: NO_ENCRYPTION },
  "encryption-key": { kind: "list", value: "KEY", text: "Key to encrypt with", unsupported: NO_ENCRYPTION },
  "force-compression": { kind: "boolean", text: "Compress anew what is compressed otherwise" },
  format: {
    kind: "string",
    short: "f",
    value: "FORMAT",
    text: "Manifest to write: oci or v2s2 (docker); otherwise the one the image came with",
    completes: ["oci", "v2s2"],
  },
  quiet: { kind: "boolean", short: "q", text: "Show no progress" },
  "remove-signatures": { kind: "boolean", text: "Signatures are never sent; accepted for podman's sake" },
  retry: {
    kind: "int",
    value: "N",
    default: 3,
    setting: "retry",
    text: "Further attempts in case of failure when performing push",
  },
  "retry-delay": {
    kind: "string",
    value: "DURATION",
    setting: "retryDelay",
    text: "Pause between attempts in case of push failures",
  },
  "sign-by": { kind: "string", value: "NAME", text: "Sign the image", unsupported: NO_SIGNATURES },
  "sign-by-sigstore": { kind: "string", value: "FILE", text: "Sign the image", unsupported: NO_SIGNATURES },
  "sign-by-sigstore-private-key": {
    kind: "string",
    value: "FILE",
    text: "Sign the image",
    unsupported: NO_SIGNATURES,
  },
  "sign-passphrase-file": {
    kind: "string",
    value: "FILE",
    text: "Sign the image",
    unsupported: NO_SIGNATURES,
  },
} as const satisfies OptionTable;

interface FormFlags {
  readonly format?: string | undefined;
  readonly "compression-format"?: string | undefined;
  readonly "compression-level"?: number | undefined;
}

/** What the flags say about the form of manifest and layers. @throws {UsageError} */
export function formOptions(
  flags: FormFlags,
): Pick<PushOptions, "format" | "compression" | "compressionLevel"> {
  return {
    format: manifestFormat(flags.format),
    compression: compressionFormat(flags["compression-format"]),
    compressionLevel: flags["compression-level"],
  };
}

function manifestFormat(word: string | undefined): PushOptions["format"] {
  if (word === undefined || word === "") return undefined;
  if (word === "oci") return "oci";
  if (word === "docker" || word === "v2s2") return "docker";
  throw new UsageError(
    "push-format",
    `unknown format ${JSON.stringify(word)}. Choose on of the supported formats: 'oci', 'v2s1', or 'v2s2'`,
  );
}

function compressionFormat(word: string | undefined): PushOptions["compression"] {
  if (word === undefined || word === "") return undefined;
  // The extra table of zstd:chunked serves partial pulls only; its readers take plain zstd as well.
  if (word === "zstd" || word === "zstd:chunked") return "zstd";
  if (word === "gzip") return "gzip";
  throw new UsageError(
    "compression-format",
    `unknown compression format ${JSON.stringify(word)}: must be gzip or zstd`,
  );
}
