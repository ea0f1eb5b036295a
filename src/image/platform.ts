/** Which image of an index is wanted. */
import { StorageError, UsageError } from "../base/index.ts";
import type { Descriptor, Index, Platform } from "../oci/index.ts";

const NODE_ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "amd64",
  ia32: "386",
  ppc64: "ppc64le",
};

/** Other tools' words for an architecture, in Go's. */
const ALIASES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  i386: "386",
  armhf: "arm",
  armel: "arm",
};

/** This machine's architecture in Go's words. */
export function hostArchitecture(): string {
  return NODE_ARCHITECTURES[process.arch] ?? process.arch;
}

export interface PlatformFlags {
  readonly platform?: string | undefined;
  readonly os?: string | undefined;
  readonly arch?: string | undefined;
  readonly variant?: string | undefined;
}

/**
 * What `--platform OS/ARCH[/VARIANT]` or `--os`, `--arch` and `--variant` ask for; this machine's where they say
 * nothing. Undefined if none is given.
 *
 * @throws {UsageError} `platform-invalid`; `conflicting-flags`
 */
export function wantedPlatform(flags: PlatformFlags): Platform | undefined {
  const { platform, os, arch, variant } = flags;
  if (platform) {
    if (os || arch)
      throw new UsageError("conflicting-flags", "--platform option can not be specified with --arch or --os");
    return parsePlatform(platform);
  }
  if (!os && !arch && !variant) return undefined;
  const architecture = normaliseArchitecture(arch || hostArchitecture());
  return { os: os || "linux", architecture, ...(variant ? { variant } : {}) };
}

export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split("/");
  if (parts.length > 3 || parts.some((part) => !/^[\w.-]+$/.test(part)))
    throw new UsageError(
      "platform-invalid",
      `invalid platform ${JSON.stringify(text)}: expected OS/ARCH[/VARIANT]`,
    );
  if (parts.length === 1) {
    const word = parts[0] as string;
    return word === "linux"
      ? { os: word, architecture: hostArchitecture() }
      : { os: "linux", architecture: normaliseArchitecture(word) };
  }
  const [os = "", arch = "", variant] = parts;
  return { os, architecture: normaliseArchitecture(arch), ...(variant === undefined ? {} : { variant }) };
}

export function normaliseArchitecture(word: string): string {
  return ALIASES[word.toLowerCase()] ?? word.toLowerCase();
}

/** The variants a machine of this kind runs, best first. */
function variants({ architecture, variant }: Platform): (string | undefined)[] {
  if (architecture === "arm64")
    return variant === undefined || variant === "v8" ? ["v8", undefined] : [variant];
  if (architecture === "arm" && variant !== undefined) {
    const all = ["v8", "v7", "v6", "v5"];
    return [...all.slice(Math.max(0, all.indexOf(variant))), undefined];
  }
  if (variant !== undefined) return [variant];
  return architecture === "arm" ? ["v7", "v6", "v5", undefined] : [undefined, "v1"];
}

/** The entry that fits best, else (if nothing special was asked for) the first that claims no platform. */
export function chooseManifest(index: Index, wanted?: Platform): Descriptor | undefined {
  const target = wanted ?? { os: "linux", architecture: hostArchitecture() };
  const fits = index.manifests.filter(
    ({ platform }) =>
      platform?.os === target.os && normaliseArchitecture(platform.architecture) === target.architecture,
  );
  for (const variant of variants(target)) {
    const found = fits.find(({ platform }) => (platform?.variant || undefined) === variant);
    if (found !== undefined) return found;
  }
  if (wanted?.variant !== undefined) return undefined;
  return (
    fits[0] ??
    (wanted === undefined ? index.manifests.find(({ platform }) => platform === undefined) : undefined)
  );
}

/** `chooseManifest`, or the refusal that says what there is. */
export function requireManifest(index: Index, name: string, wanted?: Platform): Descriptor {
  const found = chooseManifest(index, wanted);
  if (found !== undefined) return found;
  const { os, architecture, variant = "" } = wanted ?? { os: "linux", architecture: hostArchitecture() };
  const offered = index.manifests.flatMap(({ platform }) =>
    platform === undefined ? [] : [platformName(platform)],
  );
  throw new StorageError(
    "platform-missing",
    `choosing an image from manifest list docker://${name}: no image found in image index for architecture ${JSON.stringify(architecture)}, variant ${JSON.stringify(variant)}, OS ${JSON.stringify(os)}`,
    offered.length === 0 ? {} : { hint: `there is ${[...new Set(offered)].slice(0, 12).join(", ")}` },
  );
}

export function platformName({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant ? [variant] : [])].join("/");
}
