/** NetworkSettings of `inspect`: podman's, key by key (test/fixtures/podman-network-settings.json). */
import { defaultNetwork, findNetwork, parseSubnet, subnetOf } from "../network/index.ts";
import type { ContainerRecord, Context, Endpoint, NetworkRecord } from "../state/index.ts";
import { portBindings } from "./inspect-config.ts";
import { effectiveHostname } from "./neighbours.ts";
import { statusOf } from "./status.ts";
import { type ContainerView, isLive } from "./view.ts";

const NO_ADDRESSES = {
  Gateway: "",
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  MacAddress: "",
};
const CONTAINER = "container:";

/** Addresses are shown of containers that run: others have none. A container in another's network has that one's. */
export function inspectNetworkSettings(ctx: Context, view: ContainerView) {
  const { record, status } = networkOwner(ctx, view);
  const { mode, ports } = record.config.network;
  const exposed = view.record.config.network.exposed ?? [];
  const running = isLive(status);
  const networks = inspectNetworks(ctx, record, running);
  return {
    EndpointID: "",
    ...ownAddresses(networks),
    Bridge: "",
    SandboxID: "",
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    Ports: { ...Object.fromEntries(exposed.map((port) => [port, null])), ...portBindings(ports) },
    SandboxKey: running && mode !== "host" ? `/proc/${status.pid}/ns/net` : "",
    Networks: networks,
  };
}

/** Whose network the container is in: its own, or that of the owner it names, which force may have removed. */
function networkOwner(ctx: Context, view: ContainerView): ContainerView {
  const { mode } = view.record.config.network;
  const record = mode.startsWith(CONTAINER)
    ? ctx.state.containers.get(mode.slice(CONTAINER.length))
    : undefined;
  return record === undefined ? view : networkOwner(ctx, { record, status: statusOf(ctx, record) });
}

/** The container's addresses without naming a network are those on the default one, where that is its only one. */
function ownAddresses(
  networks: Readonly<Record<string, typeof NO_ADDRESSES & { readonly NetworkID: string }>>,
): typeof NO_ADDRESSES {
  const [only, ...more] = Object.values(networks);
  const shown = only !== undefined && more.length === 0 && only.NetworkID === defaultNetwork().id;
  const { Gateway, IPAddress, IPPrefixLen, IPv6Gateway, GlobalIPv6Address, GlobalIPv6PrefixLen, MacAddress } =
    shown ? only : NO_ADDRESSES;
  return { Gateway, IPAddress, IPPrefixLen, IPv6Gateway, GlobalIPv6Address, GlobalIPv6PrefixLen, MacAddress };
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
      return [name, entry(name, network?.id ?? name, own, addresses)];
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
