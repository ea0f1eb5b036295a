/** The files kelp brings into a container: hosts, hostname, resolv.conf, .containerenv, the time zone. */
import { existsSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../base/index.ts";
import { containerDir, writeFileAtomic } from "../host/index.ts";
import { type BindFiles, containerEnvText, isFileInside } from "../runtime/index.ts";
import type {
  ContainerConfig,
  ContainerRecord,
  Context,
  NetworkConfig,
  RootfsSource,
} from "../state/index.ts";
import { hostsText } from "./hosts.ts";
import { effectiveHostname } from "./neighbours.ts";
import type { Networking } from "./network.ts";
import { NO_RESOLV, resolvText } from "./resolv.ts";

const CONTAINER = "container:";
const ZONES = "/usr/share/zoneinfo";

/** Writes them into the container's directory; they are made anew at every start. */
export function writeBindFiles(
  ctx: Context,
  record: ContainerRecord,
  networking: Networking,
  rootfs: RootfsSource,
): BindFiles {
  const { config, id } = record;
  const directory = containerDir(ctx.paths, id);
  const write = (name: string, text: string) => {
    const path = join(directory, name);
    writeFileAtomic(path, text, { mode: 0o644 });
    return path;
  };
  const hosts = () => {
    const text = hostsText(ctx, record, networking);
    return text === undefined ? {} : { hosts: write("hosts", text) };
  };
  const resolv = () => write("resolv.conf", resolvText(config, networking));
  const shared = sharedFiles(ctx, config);
  return {
    ...(shared.hosts === undefined ? hosts() : { hosts: shared.hosts }),
    ...(config.network.noHostname ? {} : { hostname: write("hostname", `${effectiveHostname(record)}\n`) }),
    ...(config.network.dns[0] === NO_RESOLV ? {} : { resolvConf: shared.resolvConf ?? resolv() }),
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
    ...localtime(config, rootfs),
  };
}

/**
 * Of a container in another's network: that one's own files, which stay true when its networks change. Who wants other content
 * has files apart.
 */
function sharedFiles(
  ctx: Context,
  { network }: ContainerConfig,
): { readonly hosts?: string | undefined; readonly resolvConf?: string | undefined } {
  const owner = networkOwner(ctx, network);
  if (owner === undefined) return {};
  const there = owner.config.network;
  const same = (key: "dns" | "dnsSearch" | "dnsOptions") => network[key].join() === there[key].join();
  const hostsApart = network.noHosts || network.addHosts.length > 0 || network.hostsFile !== there.hostsFile;
  const ofOwner = (name: string) => {
    const path = join(containerDir(ctx.paths, owner.id), name);
    return existsSync(path) ? path : undefined;
  };
  return {
    hosts: hostsApart ? undefined : ofOwner("hosts"),
    resolvConf: same("dns") && same("dnsSearch") && same("dnsOptions") ? ofOwner("resolv.conf") : undefined,
  };
}

/** Whose network it is in the end, where it is not its own. */
function networkOwner(ctx: Context, { mode }: NetworkConfig): ContainerRecord | undefined {
  if (!mode.startsWith(CONTAINER)) return undefined;
  const record = ctx.state.containers.get(mode.slice(CONTAINER.length));
  return record === undefined ? undefined : (networkOwner(ctx, record.config.network) ?? record);
}

/** An image that has the zone gets a link to it, as a system has it; any other the host's file. */
function localtime(
  { timezone = "", rootfs: given, runtime }: ContainerConfig,
  rootfs: RootfsSource,
): Pick<BindFiles, "localtime" | "localtimeLink"> {
  if (timezone === "") return {};
  const file = zoneFile(timezone);
  const inside = `${ZONES}/${timezone}`;
  // A directory of the user's is left as it is, and an OCI runtime makes mounts only.
  const isOurs = given?.overlay !== false && runtime === undefined;
  const own = isOurs && timezone !== "local" && isFileInside(rootfs, inside);
  return own ? { localtimeLink: `..${inside}` } : { localtime: file };
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
