/** Networks that podman's user made: one file each beside the store. Only read. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errnoCode, StorageError } from "../../base/index.ts";
import type { NewNetwork } from "../../network/index.ts";

export type PodmanNetwork = NewNetwork & { readonly name: string };

/** podman's own is not taken: containers on it are on kelp's. */
const DEFAULT_NAME = "podman";

interface Written {
  readonly name: string;
  readonly driver?: string;
  readonly subnets?: readonly { readonly subnet: string; readonly gateway?: string }[];
  readonly routes?: readonly {
    readonly destination: string;
    readonly gateway: string;
    readonly metric?: number;
  }[];
  readonly ipv6_enabled?: boolean;
  readonly internal?: boolean;
  readonly dns_enabled?: boolean;
  readonly network_dns_servers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  readonly ipam_options?: { readonly driver?: string };
}

export function readNetworks(root: string): PodmanNetwork[] {
  const directory = join(root, "networks");
  return names(directory)
    .map((file) => readNetwork(join(directory, file)))
    .filter(({ name }) => name !== DEFAULT_NAME);
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(".json"))
      .sort();
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return [];
    throw error;
  }
}

function readNetwork(path: string): PodmanNetwork {
  const { subnets = [], routes = [], ...network } = parse(path);
  return {
    name: network.name,
    driver: network.driver ?? "bridge",
    subnets: subnets.map(({ subnet }) => subnet),
    gateways: subnets.flatMap(({ gateway }) => gateway ?? []),
    ranges: [],
    ipv6: network.ipv6_enabled === true,
    internal: network.internal === true,
    disableDns: network.dns_enabled === false,
    dnsServers: network.network_dns_servers ?? [],
    routes: routes.map(({ destination, gateway, metric }) =>
      [destination, gateway, ...(metric === undefined ? [] : [metric])].join(),
    ),
    ipamDriver: network.ipam_options?.driver ?? "host-local",
    labels: network.labels ?? {},
    options: network.options ?? {},
  };
}

function parse(path: string): Written {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new StorageError("podman-store-damaged", `cannot read ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
