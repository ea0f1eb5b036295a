/** `--network pasta[:OPTIONS]`: pasta for one container alone, which gets the host's own addresses. */
import { HostError, UsageError } from "../base/index.ts";
import { findProgram } from "../host/index.ts";
import type { Context, PortMapping } from "../state/index.ts";
import { pastaVersion } from "./pasta-version.ts";

/** Link-local, so that it is nobody's: answered for by pasta. */
const DNS = "169.254.1.1";
const HOST = "169.254.1.2";
/** The first version with --map-guest-addr; it closes the descriptors it inherits, and finds ours in its working directory. */
const MAPS_HOST = "2024_08_14";
/** What kelp says itself, or what would take the program out of its hands. */
const RESERVED = new Set([
  "--netns",
  "--userns",
  "--netns-only",
  "--pid",
  "-P",
  "--foreground",
  "-f",
  "--runas",
  "--log-file",
  "-l",
  "--fd",
  "-F",
  "--help",
  "-h",
  "--version",
  "--no-netns-quit",
]);

export interface PastaPlan {
  readonly argv: readonly string[];
  /** For resolv.conf. */
  readonly dns: string | undefined;
  /** Where the container reaches the host; undefined: nowhere. */
  readonly host: string | undefined;
}

/** Options as they are given after the colon: pasta's own, separated by commas. @throws {UsageError} for those that are kelp's */
export function parsePastaOptions(text: string): string[] {
  const words = text === "" ? [] : text.split(",");
  for (const word of words) {
    const name = word.split("=", 1)[0]!;
    if (RESERVED.has(name))
      throw new UsageError(
        "unsupported-network-option",
        `cannot give pasta the option ${name}: it is kelp's to give`,
      );
  }
  return words;
}

/**
 * Published ports are pasta's, too: it shows the container who its clients are.
 *
 * @throws {HostError} where pasta is not installed
 */
export function pastaArguments(
  ctx: Context,
  given: readonly string[],
  ports: readonly PortMapping[],
): PastaPlan {
  const program = findProgram("pasta", ctx.settings.helperDirs);
  if (program === undefined)
    throw new HostError("no-pasta", "cannot use --network pasta: pasta is not installed", {
      hint: "Install passt, or leave --network out: kelp's own network needs slirp4netns only.",
    });
  const has = (...names: string[]) => given.some((word) => names.includes(word.split("=", 1)[0]!));
  const isNew = pastaVersion(program) >= MAPS_HOST;
  const maps = has("--map-guest-addr") || isNew;
  const descriptors = isNew ? "." : "/proc/self/fd";
  const dns = optionValue(given, "--dns-forward") ?? DNS;
  const host = maps ? (optionValue(given, "--map-guest-addr") ?? HOST) : undefined;
  const forwards = ports.flatMap((port) => [port.protocol === "udp" ? "-u" : "-t", forwardSpec(port)]);
  const none = (long: string, short: string) =>
    has(long, short) || forwards.includes(short) ? [] : [short, "none"];
  const argv = [
    program,
    "--config-net",
    ...given.filter((word) => word !== "--map-gw"),
    ...forwards,
    ...(has("--dns-forward") ? [] : ["--dns-forward", DNS]),
    ...none("--tcp-ports", "-t"),
    ...none("--udp-ports", "-u"),
    ...none("--tcp-ns", "-T"),
    ...none("--udp-ns", "-U"),
    ...(has("--map-gw", "--no-map-gw") ? [] : ["--no-map-gw"]),
    ...(maps && !has("--map-guest-addr") ? ["--map-guest-addr", HOST] : []),
    "--quiet",
    "--foreground",
    "--pid",
    `${descriptors}/4`,
    "--netns",
    `${descriptors}/5`,
  ];
  return { argv, dns: dns === "none" ? undefined : dns, host: host === "none" ? undefined : host };
}

function optionValue(given: readonly string[], name: string): string | undefined {
  for (const [index, word] of given.entries()) {
    if (word === name) return given[index + 1];
    if (word.startsWith(`${name}=`)) return word.slice(name.length + 1);
  }
  return undefined;
}

/** `ADDRESS/FIRST-LAST:FIRST-LAST` */
function forwardSpec({ hostIp, hostPort, containerPort, range }: PortMapping): string {
  const span = (first: number) => (range > 1 ? `${first}-${first + range - 1}` : String(first));
  return `${hostIp === "" ? "" : `${hostIp}/`}${span(hostPort)}:${span(containerPort)}`;
}
