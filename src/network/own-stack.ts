/** Network stacks of one container alone: `--network slirp4netns` and `pasta`. */
import { join } from "node:path";
import { containerRunDir } from "../host/index.ts";
import type { Context, NetworkPlan, PortMapping, PublishPlan } from "../state/index.ts";
import { addressBytes, parseAddress } from "./address.ts";
import { parsePastaOptions, pastaArguments } from "./pasta.ts";
import { listenersOf } from "./ports.ts";
import { parseSlirpOptions, slirpAddresses, slirpArguments } from "./slirp4netns.ts";
import { HELPER_ENVIRONMENT } from "./uplink.ts";

export interface OwnStack {
  readonly plan: NetworkPlan;
  /** The name server that answers inside; undefined: those of the host. */
  readonly dns: string | undefined;
  /** Where the container reaches the host's own services; undefined: nowhere. */
  readonly host: string | undefined;
  /** The container's own address, where it is known beforehand. */
  readonly address: string | undefined;
}

export interface OwnStackRequest {
  readonly container: string;
  /** `slirp4netns:mtu=1500`, `pasta` */
  readonly mode: string;
  readonly ports: readonly PortMapping[];
}

const KINDS = new Set(["slirp4netns", "pasta"]);

export function isOwnStack(mode: string): boolean {
  return KINDS.has(mode.split(":", 1)[0]!);
}

/** @throws {UsageError} for options that cannot be kept */
export function checkOwnStack(mode: string): void {
  const [kind, options] = split(mode);
  if (kind === "pasta") parsePastaOptions(options);
  else parseSlirpOptions(options);
}

/** The stack is made in a network namespace of the container's monitor, which its processes share. */
export function planOwnStack(ctx: Context, request: OwnStackRequest): OwnStack {
  const [kind, options] = split(request.mode);
  return kind === "pasta" ? planPasta(ctx, request, options) : planSlirp(ctx, request, options);
}

function split(mode: string): [kind: string, options: string] {
  const colon = mode.indexOf(":");
  return colon < 0 ? [mode, ""] : [mode.slice(0, colon), mode.slice(colon + 1)];
}

function planSlirp(ctx: Context, request: OwnStackRequest, text: string): OwnStack {
  const options = parseSlirpOptions(text);
  const { address, router, dns } = slirpAddresses(options);
  // With a prefix of 0 every client is a neighbour: its own address would lead the answers out of the door.
  const target = { target: addressBytes(parseAddress(address)!), prefix: 0 };
  const ports = listenersOf(request.ports).map((listener) => ({
    ...listener,
    ...target,
    targetPort: listener.targetPort,
  }));
  return {
    plan: ownPlan(ctx, request, slirpArguments(ctx, options), ports),
    dns,
    host: options.allowHostLoopback ? router : undefined,
    address,
  };
}

function planPasta(ctx: Context, request: OwnStackRequest, text: string): OwnStack {
  const { argv, dns, host } = pastaArguments(ctx, parsePastaOptions(text), request.ports);
  // pasta listens; whether it will be able to is found out before it is started, where that can be said clearly.
  const ports = listenersOf(request.ports).map((listener) => ({
    ...listener,
    target: new Uint8Array(),
    prefix: 0,
  }));
  return { plan: ownPlan(ctx, request, argv, ports), dns, host, address: undefined };
}

function ownPlan(
  ctx: Context,
  { container }: OwnStackRequest,
  argv: readonly string[],
  ports: readonly PublishPlan[],
): NetworkPlan {
  return {
    own: true,
    holders: "",
    filters: [],
    uplink: {
      lock: join(containerRunDir(ctx.paths, container), "uplink.lock"),
      argv,
      env: HELPER_ENVIRONMENT,
      onDemand: false,
      failed: "",
    },
    bridges: [],
    interfaces: [],
    ports,
  };
}
