/** NetworkSettings of `inspect`. */
import { findNetwork, parseSubnet, subnetOf } from "../network/index.ts";
import type { ContainerRecord, Context, Endpoint, NetworkRecord } from "../state/index.ts";
import { effectiveHostname } from "./hosts.ts";
import { portBindings } from "./inspect-config.ts";
import { type ContainerView, isRunning } from "./view.ts";

const NO_ADDRESSES = {
  Gateway: "",
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  MacAddress: "",
};

/** Addresses are shown of containers that run: others have none. */
export function inspectNetworkSettings(ctx: Context, { record, status }: ContainerView) {
  const running = isRunning(status);
  const networks = inspectNetworks(ctx, record, running);
  const first = running ? Object.values(networks)[0] : undefined;
  const { Gateway, IPAddress, IPPrefixLen, IPv6Gateway, GlobalIPv6Address, GlobalIPv6PrefixLen, MacAddress } =
    first ?? NO_ADDRESSES;
  return {
    EndpointID: "",
    Gateway,
    IPAddress,
    IPPrefixLen,
    IPv6Gateway,
    GlobalIPv6Address,
    GlobalIPv6PrefixLen,
    MacAddress,
    Bridge: "",
    SandboxID: "",
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    Ports: portBindings(record.config.network.ports),
    SandboxKey: running ? `/proc/${status.pid}/ns/net` : "",
    Networks: networks,
  };
}

function inspectNetworks(ctx: Context, record: ContainerRecord, running: boolean) {
  const { mode, networks } = record.config.network;
  if (mode === "host" || mode === "none") return { [mode]: entry(mode, mode, [], NO_ADDRESSES) };
  return Object.fromEntries(
    networks.map(({ name, aliases }) => {
      const network = findNetwork(ctx, name);
      const endpoint = network === undefined ? undefined : ctx.state.networks.endpoint(network.id, record.id);
      const own = [...new Set([...aliases, record.id.slice(0, 12), effectiveHostname(record)])];
      const addresses =
        network === undefined || endpoint === undefined || !running
          ? NO_ADDRESSES
          : inspectEndpoint(network, endpoint);
      return [name, entry(name, name, own, addresses)];
    }),
  );
}

function entry(name: string, id: string, aliases: readonly string[], addresses: typeof NO_ADDRESSES) {
  return {
    EndpointID: "",
    ...addresses,
    NetworkID: id,
    DriverOpts: null,
    IPAMConfig: null,
    Links: null,
    ...(name === "host" || name === "none" ? {} : { Aliases: aliases }),
  };
}

function inspectEndpoint(network: NetworkRecord, { ip, ip6, mac }: Endpoint): typeof NO_ADDRESSES {
  const four = ip === undefined ? undefined : subnetOf(network, ip);
  const six = ip6 === undefined ? undefined : subnetOf(network, ip6);
  const length = (subnet: string | undefined) => (subnet === undefined ? 0 : parseSubnet(subnet)!.prefix);
  return {
    Gateway: four?.gateway ?? "",
    IPAddress: ip ?? "",
    IPPrefixLen: length(four?.subnet),
    IPv6Gateway: six?.gateway ?? "",
    GlobalIPv6Address: ip6 ?? "",
    GlobalIPv6PrefixLen: length(six?.subnet),
    MacAddress: mac,
  };
}
