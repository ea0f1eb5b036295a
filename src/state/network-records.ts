/** Networks, who has which address on them, and what a start makes of it all. */

/** A range of addresses and who routes for it. */
export interface NetworkSubnet {
  /** `10.89.0.0/24`, host bits zero. */
  readonly subnet: string;
  /** Our bridge's own address; absent on an internal network without one. */
  readonly gateway?: string;
  /** Addresses that containers get where none is asked for; the whole subnet if absent. */
  readonly range?: { readonly start: string; readonly end: string };
}

export interface NetworkRecord {
  /** 64 hex digits. */
  readonly id: string;
  readonly name: string;
  readonly created: number;
  readonly driver: "bridge";
  /** Name of the bridge's interface. */
  readonly bridge: string;
  readonly subnets: readonly NetworkSubnet[];
  readonly ipv6: boolean;
  /** Reaches nothing outside. */
  readonly internal: boolean;
  /** Members find one another by name. */
  readonly dns: boolean;
  readonly dnsServers: readonly string[];
  readonly routes: readonly {
    readonly destination: string;
    readonly gateway: string;
    readonly metric: number;
  }[];
  readonly labels: Readonly<Record<string, string>>;
  /** As given: `mtu`, `isolate`, … */
  readonly options: Readonly<Record<string, string>>;
}

/** A container's place on a network. Kept while the container lives, and until somebody needs the address after that. */
export interface Endpoint {
  readonly network: string;
  readonly container: string;
  /** Inside the container. */
  readonly interfaceName: string;
  readonly mac: string;
  readonly ip?: string;
  readonly ip6?: string;
}

export interface LinkAddress {
  readonly address: Uint8Array;
  readonly prefix: number;
  readonly broadcast?: Uint8Array;
}

export interface LinkRoute {
  /** Empty: the default route. */
  readonly destination: Uint8Array;
  readonly prefix: number;
  readonly gateway: Uint8Array;
  readonly metric: number;
}

/** A bridge of the shared network namespace, made by the first start that needs it. */
export interface BridgePlan {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly addresses: readonly LinkAddress[];
  /** nf_tables messages that keep it apart; undefined: it is not kept apart. */
  readonly filters?: Uint8Array;
}

/** A container's interface. */
export interface InterfacePlan {
  readonly name: string;
  /** Its other end, at the bridge. */
  readonly peer: string;
  readonly bridge: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly addresses: readonly LinkAddress[];
  readonly routes: readonly LinkRoute[];
  readonly ipv6: boolean;
}

/** Ports of the host that lead to a container. */
export interface PublishPlan {
  readonly protocol: "tcp" | "udp";
  readonly address: Uint8Array;
  readonly port: number;
  readonly count: number;
  /** Empty: somebody else will listen, who is to find the port free. */
  readonly target: Uint8Array;
  readonly targetPort: number;
  /** Of the target's subnet. */
  readonly prefix: number;
  /** One of two wildcard addresses: done without where the kernel lacks its family. */
  readonly optional: boolean;
}

/** The program that connects a network namespace to the outside. */
export interface UplinkPlan {
  /** Says by its lock that the program is looked after. */
  readonly lock: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** Started when the first packet wants to leave; else at once, and waited for. */
  readonly onDemand: boolean;
  /** A file that says: it ended before it worked. */
  readonly failed: string;
  /** Its interface, which is there before it; absent: the program makes it. */
  readonly tap?: TapPlan;
}

export interface TapPlan {
  readonly device: string;
  readonly name: string;
  readonly mtu: number;
  readonly addresses: readonly LinkAddress[];
  readonly routes: readonly LinkRoute[];
  /** Beneath /proc/sys/net. */
  readonly settings: readonly (readonly [path: string, value: string])[];
}

/** The program that tells containers one another's addresses, inside the shared namespace. */
export interface NameServerPlan {
  /** Says by its lock that the program is looked after. */
  readonly lock: string;
  /** Its files, one a network; it reads them again when one changes. */
  readonly directory: string;
  /** A file of its own that it leaves behind when it is killed. */
  readonly leftover: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** Those it keeps, as bits. */
  readonly capabilities: bigint;
  /** nf_tables messages: who asks while it does not listen asks the uplink's server. */
  readonly filters: Uint8Array;
  /** Beneath /proc/sys/net. */
  readonly settings: readonly (readonly [path: string, value: string])[];
}

/** What a container's start does about the network: decided by network, carried out by runtime. */
export interface NetworkPlan {
  /** The namespace is this container's alone, and so is its uplink. */
  readonly own?: boolean;
  /** Entries of those who hold the shared namespace; empty: it is not entered. */
  readonly holders: string;
  /** nf_tables messages for a new shared namespace, and others for a kernel that does not know all of those. */
  readonly filters: readonly [Uint8Array, Uint8Array] | readonly [];
  readonly uplink?: UplinkPlan;
  readonly bridges: readonly BridgePlan[];
  readonly names?: NameServerPlan;
  readonly interfaces: readonly InterfacePlan[];
  readonly ports: readonly PublishPlan[];
}
