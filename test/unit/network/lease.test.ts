import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolvePaths } from "../../../src/host/index.ts";
import { createNetwork } from "../../../src/network/index.ts";
import { leaseEndpoint } from "../../../src/network/lease.ts";
import {
  type ContainerConfig,
  type Context,
  type NetworkRecord,
  newId,
  State,
} from "../../../src/state/index.ts";

let root: string;
let ctx: Context;
const living = new Set<string>();

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-lease-"));
  mkdirSync(join(root, "data"));
  mkdirSync(join(root, "run"));
  const paths = resolvePaths({ root: join(root, "data"), runroot: join(root, "run") });
  ctx = { paths, settings: {} as Context["settings"], state: new State(paths) };
  living.clear();
});
afterEach(() => {
  ctx.state.close();
  rmSync(root, { recursive: true });
});

function network(subnet: string, more: object = {}): NetworkRecord {
  return createNetwork(ctx, {
    name: "n",
    driver: "bridge",
    subnets: [subnet],
    gateways: [],
    ranges: [],
    ipv6: false,
    internal: false,
    disableDns: false,
    dnsServers: [],
    routes: [],
    ipamDriver: "",
    labels: {},
    options: {},
    ...more,
  });
}

function container(): string {
  const id = newId();
  ctx.state.containers.create({ id, config: { image: "" } as ContainerConfig });
  living.add(id);
  return id;
}

function lease(net: NetworkRecord, id: string, ip?: string) {
  const attachment = { name: net.name, aliases: [], ...(ip === undefined ? {} : { ip }) };
  return ctx.state.transaction(() =>
    leaseEndpoint(ctx, {
      container: id,
      network: net,
      attachment,
      interfaceName: "eth0",
      alive: (other) => living.has(other),
    }),
  );
}

test("a small range is filled, emptied and filled again a hundred times", () => {
  const net = network("10.7.0.0/29");
  for (let round = 0; round < 100; round++) {
    const ids = [0, 1, 2, 3, 4].map(container);
    const addresses = ids.map((id) => lease(net, id).ip!);
    expect(addresses.toSorted()).toEqual(["10.7.0.2", "10.7.0.3", "10.7.0.4", "10.7.0.5", "10.7.0.6"]);
    expect(() => lease(net, container())).toThrow("failed to find free IP in range: 10.7.0.1 - 10.7.0.6");
    living.clear();
  }
}, 60_000);

test("a container that starts again has the address it had, unless somebody took it", () => {
  const net = network("10.7.0.0/24");
  const [a, b] = [container(), container()];
  const first = lease(net, a);
  expect(lease(net, a)).toEqual(first);
  living.delete(a);
  expect(lease(net, b, first.ip).ip).toBe(first.ip!);
  living.add(a);
  expect(lease(net, a).ip).not.toBe(first.ip!);
});

test("an address asked for must be inside, and nobody's", () => {
  const net = network("10.7.0.0/24");
  const [a, b] = [container(), container()];
  lease(net, a, "10.7.0.9");
  expect(() => lease(net, b, "10.7.0.9")).toThrow(
    "requested ip address 10.7.0.9 is already allocated to container ID",
  );
  expect(() => lease(net, b, "10.7.0.1")).toThrow("is already allocated to the gateway");
  expect(() => lease(net, b, "10.8.0.9")).toThrow("not in any subnet on network n");
});

test("the end of a container frees its address in the same moment as its record", () => {
  const net = network("10.7.0.0/24");
  const a = container();
  lease(net, a);
  ctx.state.containers.remove(a);
  expect(ctx.state.networks.endpointsOn(net.id)).toEqual([]);
});

test("only a range is given out where one is asked for, and IPv6 beside IPv4", () => {
  const net = network("10.7.0.0/24", { ranges: ["10.7.0.128/30"], ipv6: true });
  const endpoint = lease(net, container());
  expect(endpoint.ip).toBe("10.7.0.128");
  expect(endpoint.ip6).toMatch(/^fd[0-9a-f:]+::2$/);
  expect(endpoint.mac).toBe("02:6b:0a:07:00:80");
});
