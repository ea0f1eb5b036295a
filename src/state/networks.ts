/** The networks' records, and which container has which address on them. */
import { ConflictError } from "../base/index.ts";
import type { Database, Row } from "./db.ts";
import { isIdPrefix } from "./names.ts";
import type { Endpoint, NetworkRecord } from "./network-records.ts";

const ENDPOINT = "network, container, interface, mac, ip, ip6";

export class Networks {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @throws {ConflictError} `network-exists` */
  create(network: NetworkRecord): NetworkRecord {
    return this.#db.transaction(() => {
      if (this.byName(network.name) !== undefined) {
        throw new ConflictError("network-exists", `network already exists ${network.name}`);
      }
      const { id, name, created, ...config } = network;
      this.#db.run(
        "INSERT INTO networks (id, name, created, config) VALUES (?, ?, ?, ?)",
        id,
        name,
        created,
        JSON.stringify(config),
      );
      return network;
    });
  }

  /** Writes what may change: all but ID, name and time. */
  update(network: NetworkRecord): void {
    const { id, name: _name, created: _created, ...config } = network;
    this.#db.transaction(() => {
      this.#db.run("UPDATE networks SET config = ? WHERE id = ?", JSON.stringify(config), id);
    });
  }

  byName(name: string): NetworkRecord | undefined {
    const row = this.#db.get("SELECT id, name, created, config FROM networks WHERE name = ?", name);
    return row === undefined ? undefined : toRecord(row);
  }

  /** All whose ID begins so. */
  byPrefix(prefix: string): NetworkRecord[] {
    if (!isIdPrefix(prefix)) return [];
    return this.#db
      .all("SELECT id, name, created, config FROM networks WHERE id >= ? AND id < ?", prefix, `${prefix}g`)
      .map(toRecord);
  }

  /** All, by name. */
  list(): NetworkRecord[] {
    return this.#db.all("SELECT id, name, created, config FROM networks ORDER BY name").map(toRecord);
  }

  /** Forgets a network and its endpoints; false if it was not there. Whether it is in use is the caller's question. */
  remove(id: string): boolean {
    return this.#db.transaction(() => {
      this.#db.run("DELETE FROM endpoints WHERE network = ?", id);
      this.#db.run("DELETE FROM lease_cursors WHERE network = ?", id);
      return this.#db.run("DELETE FROM networks WHERE id = ?", id).changes > 0;
    });
  }

  // --- endpoints ----------------------------------------------------------------------------------

  endpointsOf(container: string): Endpoint[] {
    return this.#db
      .all(`SELECT ${ENDPOINT} FROM endpoints WHERE container = ? ORDER BY interface`, container)
      .map(toEndpoint);
  }

  endpointsOn(network: string): Endpoint[] {
    return this.#db.all(`SELECT ${ENDPOINT} FROM endpoints WHERE network = ?`, network).map(toEndpoint);
  }

  endpoint(network: string, container: string): Endpoint | undefined {
    const row = this.#db.get(
      `SELECT ${ENDPOINT} FROM endpoints WHERE network = ? AND container = ?`,
      network,
      container,
    );
    return row === undefined ? undefined : toEndpoint(row);
  }

  /** Who has an address, if anybody. */
  holderOf(network: string, address: string): string | undefined {
    const row = this.#db.get(
      "SELECT container FROM endpoints WHERE network = ? AND (ip = ? OR ip6 = ?)",
      network,
      address,
      address,
    );
    return row?.container as string | undefined;
  }

  /** Gives a container its place; whoever had the addresses before loses theirs. Call it in a transaction. */
  attach(endpoint: Endpoint): void {
    const { network, container, interfaceName, mac, ip, ip6 } = endpoint;
    this.#db.run(
      "DELETE FROM endpoints WHERE network = ? AND (container = ? OR ip = ? OR ip6 = ?)",
      network,
      container,
      ip ?? null,
      ip6 ?? null,
    );
    this.#db.run(
      `INSERT INTO endpoints (${ENDPOINT}) VALUES (?, ?, ?, ?, ?, ?)`,
      network,
      container,
      interfaceName,
      mac,
      ip ?? null,
      ip6 ?? null,
    );
  }

  /** Takes a container off one network, or off all. */
  detach(container: string, network?: string): void {
    this.#db.transaction(
      () => {
        if (network === undefined) this.#db.run("DELETE FROM endpoints WHERE container = ?", container);
        else this.#db.run("DELETE FROM endpoints WHERE container = ? AND network = ?", container, network);
      },
      { durable: false },
    );
  }

  /** The address given out last in a subnet: the search for a free one goes on behind it. */
  cursor(network: string, family: 4 | 6): string | undefined {
    const row = this.#db.get(
      "SELECT last FROM lease_cursors WHERE network = ? AND family = ?",
      network,
      family,
    );
    return row?.last as string | undefined;
  }

  setCursor(network: string, family: 4 | 6, last: string): void {
    this.#db.run(
      "INSERT INTO lease_cursors (network, family, last) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last",
      network,
      family,
      last,
    );
  }
}

function toRecord(row: Row): NetworkRecord {
  return {
    ...(JSON.parse(row.config as string) as Omit<NetworkRecord, "id" | "name" | "created">),
    id: row.id as string,
    name: row.name as string,
    created: row.created as number,
  };
}

function toEndpoint(row: Row): Endpoint {
  return {
    network: row.network as string,
    container: row.container as string,
    interfaceName: row.interface as string,
    mac: row.mac as string,
    ...(row.ip === null ? {} : { ip: row.ip as string }),
    ...(row.ip6 === null ? {} : { ip6: row.ip6 as string }),
  };
}
