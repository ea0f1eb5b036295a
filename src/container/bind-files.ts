/** The files kelp brings into a container: hosts, hostname, resolv.conf, .containerenv, the time zone. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { hostname as machineName } from "node:os";
import { join } from "node:path";
import { UsageError } from "../base/index.ts";
import { containerDir, writeFileAtomic } from "../host/index.ts";
import { type BindFiles, containerEnvText } from "../runtime/index.ts";
import type { ContainerConfig, ContainerRecord, Context } from "../state/index.ts";

const ZONES = "/usr/share/zoneinfo";

/** Writes them into the container's directory; they are made anew at every start. */
export function writeBindFiles(ctx: Context, record: ContainerRecord): BindFiles {
  const { config, id } = record;
  const directory = containerDir(ctx.paths, id);
  const write = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileAtomic(path, text, { mode: 0o644 });
    return path;
  };
  const hosts = hostsText(ctx, record);
  const zone =
    config.timezone === undefined || config.timezone === "" ? undefined : zoneFile(config.timezone);
  return {
    ...(hosts === undefined ? {} : { hosts: write("hosts", hosts) }),
    ...(config.network.noHostname ? {} : { hostname: write("hostname", `${effectiveHostname(record)}\n`) }),
    resolvConf: write("resolv.conf", resolvText(config)),
    containerEnv: write(
      "containerenv",
      containerEnvText({
        privileged: config.privileged,
        name: record.name,
        id,
        image: config.imageName,
        imageId: config.image,
      }),
    ),
    ...(zone === undefined ? {} : { localtime: zone }),
  };
}

/** The name the container's processes see. */
export function effectiveHostname({ config, id }: ContainerRecord): string {
  return config.namespaces.uts === "host" ? machineName() : config.hostname || id.slice(0, 12);
}

function hostsText(ctx: Context, record: ContainerRecord): string | undefined {
  const { network } = record.config;
  const base = network.hostsFile ?? ctx.settings.baseHostsFile;
  if (network.noHosts || base === "image") return undefined;
  const lines = network.addHosts.map((entry) => {
    const colon = entry.indexOf(":");
    const ip = entry.slice(colon + 1);
    const names = entry.slice(0, colon).split(";").join(" ");
    return `${ip === "host-gateway" ? "127.0.0.1" : ip}\t${names}`;
  });
  const own = [effectiveHostname(record), record.name];
  return `${[...lines, ...baseHosts(base), `127.0.0.1\t${own.join(" ")}`].join("\n")}\n`;
}

/** The host's own file by default; `none` leaves loopback only. */
function baseHosts(base: string): string[] {
  const loopback = ["127.0.0.1\tlocalhost", "::1\tlocalhost"];
  if (base === "none") return loopback;
  let text: string;
  try {
    text = readFileSync(base === "" ? "/etc/hosts" : base, "utf8");
  } catch (cause) {
    if (base === "") return loopback;
    throw new UsageError("hosts-file", `cannot read hosts file ${base}: ${(cause as Error).message}`, {
      cause,
    });
  }
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.some((line) => /^\s*127\.0\.0\.1\s.*\blocalhost\b/.test(line))
    ? lines
    : [...loopback, ...lines];
}

function resolvText({ network }: ContainerConfig): string {
  const own = readHostResolv();
  const servers = network.dns.length > 0 ? network.dns : own.servers;
  const search =
    network.dnsSearch.length > 0 ? network.dnsSearch.filter((domain) => domain !== ".") : own.search;
  const options = network.dnsOptions.length > 0 ? network.dnsOptions : own.options;
  const lines = [
    ...(search.length > 0 ? [`search ${search.join(" ")}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function readHostResolv(): { servers: string[]; search: string[]; options: string[] } {
  const found: { servers: string[]; search: string[]; options: string[] } = {
    servers: [],
    search: [],
    options: [],
  };
  let text = "";
  try {
    text = readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    // A host without name service has containers without.
  }
  for (const line of text.split("\n")) {
    const [key, ...words] = line.trim().split(/\s+/);
    if (key === "nameserver") found.servers.push(...words.slice(0, 1));
    if (key === "search" || key === "domain") found.search = words;
    if (key === "options") found.options = words;
  }
  return found;
}

/**
 * The file of a zone of the host, or its own with `local`.
 *
 * @throws {UsageError} for a name that is no zone
 */
export function zoneFile(zone: string): string {
  const path = zone === "local" ? "/etc/localtime" : join(ZONES, zone);
  try {
    const real = realpathSync(path);
    if (statSync(real).isFile() && (zone === "local" || path.startsWith(`${ZONES}/`))) return real;
  } catch (cause) {
    throw new UsageError(
      "unknown-timezone",
      `finding timezone for container: stat ${path}: no such file or directory`,
      { cause },
    );
  }
  throw new UsageError("unknown-timezone", `finding timezone for container: ${zone} is no time zone`);
}
