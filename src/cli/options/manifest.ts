/** Flags shared by the commands of the group manifest. */
import { UsageError } from "../../base/index.ts";
import type { OptionTable } from "../command.ts";

export const ENTRY_OPTIONS = {
  annotation: { kind: "list", value: "KEY=VALUE", text: "Annotation of the entry" },
  arch: { kind: "string", value: "ARCH", text: "Architecture the image is for" },
  features: {
    kind: "list",
    comma: true,
    value: "FEATURE",
    text: "Features of the processor the image needs",
  },
  os: { kind: "string", value: "OS", text: "Operating system the image is for" },
  "os-features": {
    kind: "list",
    comma: true,
    value: "FEATURE",
    text: "Features of the operating system it needs",
  },
  "os-version": { kind: "string", value: "VERSION", text: "Version of the operating system" },
  variant: { kind: "string", value: "VARIANT", text: "Variant of the architecture" },
} as const satisfies OptionTable;

interface EntryValues {
  readonly annotation: readonly string[];
  readonly arch?: string | undefined;
  readonly features: readonly string[];
  readonly os?: string | undefined;
  readonly "os-features": readonly string[];
  readonly "os-version"?: string | undefined;
  readonly variant?: string | undefined;
}

export function entryFlags(options: EntryValues) {
  return {
    annotations: parseAnnotations(options.annotation),
    arch: options.arch,
    features: options.features,
    os: options.os,
    osFeatures: options["os-features"],
    osVersion: options["os-version"],
    variant: options.variant,
  };
}

/** @throws {UsageError} `annotation-invalid` */
export function parseAnnotations(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map((text) => {
      const equals = text.indexOf("=");
      if (equals < 1)
        throw new UsageError("annotation-invalid", `no value given for annotation ${JSON.stringify(text)}`);
      return [text.slice(0, equals), text.slice(equals + 1)] as const;
    }),
  );
}

/** `--insecure` is docker's word for `--tls-verify=false`. */
export const INSECURE_OPTION = {
  insecure: { kind: "boolean", hidden: true, text: "The same as --tls-verify=false" },
} as const satisfies OptionTable;
