/**
 * test/fixtures/podman5-db.sql.gz is the database that podman 5.8.6 left after `volume create -l kind=data data`,
 * `create --name made -v data:/data bb true` and `run --name ended --network none -e TOKEN -v /anonymous bb true`.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { StorageError } from "../../../src/base/index.ts";
import { readNetworks, readRecords } from "../../../src/system/index.ts";
import { ROOT } from "../../support/index.ts";

let root: string;
const scratch = () => join(root, "scratch");

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "podman5-"));
  const fixture = readFileSync(join(ROOT, "test", "fixtures", "podman5-db.sql.gz"));
  writeFileSync(join(root, "db.sql"), gunzipSync(fixture), { mode: 0o400 });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("podman 5's database tells its volumes and containers, and nothing is written beside it", () => {
  const { volumes, containers } = readRecords(root, scratch());
  expect(volumes.find(({ name }) => name === "data")).toMatchObject({
    driver: "local",
    labels: { kind: "data" },
    isAnonymous: false,
  });
  expect(volumes.filter(({ isAnonymous }) => isAnonymous).length).toBe(1);
  expect(containers.map(({ name, isRunning }) => ({ name, isRunning }))).toEqual([
    { name: "ended", isRunning: false },
    { name: "made", isRunning: false },
  ]);
  expect(containers[1]?.command.slice(5)).toEqual([
    "create",
    "--security-opt",
    "seccomp=unconfined",
    "--name",
    "made",
    "-v",
    "data:/data",
    "bb",
    "true",
  ]);
  expect(containers[0]?.env).toContain("TOKEN=t");
  expect(readdirSync(root).sort()).toEqual(["db.sql", "scratch"]);
  expect(readdirSync(scratch())).toEqual([]);
});

test("a database that is none is named, and is no defect of kelp", () => {
  const other = mkdtempSync(join(root, "other-"));
  writeFileSync(join(other, "db.sql"), "not a database, but long enough to be looked at by anybody");
  expect(() => readRecords(other, scratch())).toThrow(StorageError);
  expect(() => readRecords(other, scratch())).toThrow(`cannot read ${other}/db.sql: `);
  rmSync(other, { recursive: true });
});

test("podman's networks are read with their addresses, and its own is left", () => {
  mkdirSync(join(root, "networks"));
  // As podman 5.8.6 writes it, but for the interface's name and the time.
  const written = {
    name: "backend",
    id: "0".repeat(64),
    driver: "bridge",
    network_interface: "podman1",
    created: "2026-01-01T00:00:00Z",
    subnets: [
      { subnet: "10.90.7.0/24", gateway: "10.90.7.1" },
      { subnet: "fd07::/64", gateway: "fd07::1" },
    ],
    ipv6_enabled: true,
    internal: true,
    dns_enabled: false,
    labels: { team: "a" },
    options: { mtu: "1400" },
    ipam_options: { driver: "host-local" },
  };
  writeFileSync(join(root, "networks", "backend.json"), JSON.stringify(written));
  writeFileSync(join(root, "networks", "podman.json"), JSON.stringify({ ...written, name: "podman" }));
  expect(readNetworks(root)).toEqual([
    {
      name: "backend",
      driver: "bridge",
      subnets: ["10.90.7.0/24", "fd07::/64"],
      gateways: ["10.90.7.1", "fd07::1"],
      ranges: [],
      ipv6: true,
      internal: true,
      disableDns: true,
      dnsServers: [],
      routes: [],
      ipamDriver: "host-local",
      labels: { team: "a" },
      options: { mtu: "1400" },
    },
  ]);
  expect(readNetworks(join(root, "nowhere"))).toEqual([]);
});
