/** The database as the rest of kelp sees it: one repository per noun, opened on first use. */
import { join } from "node:path";
import type { Paths } from "../host/index.ts";
import { BuildCache } from "./build-cache.ts";
import { Containers } from "./containers.ts";
import { Database, type TransactionOptions } from "./db.ts";
import { Images } from "./images.ts";
import { Integrity } from "./integrity.ts";
import { Layers } from "./layers.ts";
import { Networks } from "./networks.ts";
import { Secrets } from "./secrets.ts";
import { Volumes } from "./volumes.ts";

export class State {
  readonly #db: Database;
  readonly buildCache: BuildCache;
  readonly containers: Containers;
  readonly images: Images;
  readonly integrity: Integrity;
  readonly layers: Layers;
  readonly networks: Networks;
  readonly secrets: Secrets;
  readonly volumes: Volumes;

  constructor(paths: Paths) {
    this.#db = new Database(join(paths.data, "kelp.db"));
    this.buildCache = new BuildCache(this.#db);
    this.containers = new Containers(this.#db, paths);
    this.images = new Images(this.#db);
    this.integrity = new Integrity(this.#db);
    this.layers = new Layers(this.#db);
    this.networks = new Networks(this.#db);
    this.secrets = new Secrets(this.#db);
    this.volumes = new Volumes(this.#db);
  }

  /**
   * Several changes as one: all or nothing, and no other writer in between. Must be short and
   * synchronous; the repositories' own transactions join it. Reads inside see the latest state.
   */
  transaction<T>(body: () => T, options: TransactionOptions = {}): T {
    return this.#db.transaction(body, options);
  }

  /** Calls `hook` if the running transaction fails, while nobody else can write yet: for files that went along with it. */
  ifUndone(hook: () => void): void {
    this.#db.ifUndone(hook);
  }

  /** Says that this command will write: see `Database.expectWrites`. Optional, saves opening twice. */
  expectWrites(): void {
    this.#db.expectWrites();
  }

  /** Only long-lived processes and tests need it; the end of a process closes as well. */
  close(): void {
    this.#db.close();
  }
}
