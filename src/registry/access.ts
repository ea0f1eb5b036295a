/** Puts the pieces together: from a name to a repository that can be asked, with the user's credentials and trust. */
import type { Paths } from "../host/index.ts";
import { type FullReference, repository } from "../oci/index.ts";
import { RegistryClient } from "./client.ts";
import { type Credentials, findCredentials } from "./credentials.ts";
import { HttpClient } from "./http.ts";
import {
  findEntry,
  loadRegistriesConf,
  type PullPlace,
  pullPlaces,
  type RegistriesConf,
} from "./registries-conf.ts";
import { Repository } from "./repository.ts";

/** What the command line says about talking to registries. */
export interface AccessOptions {
  readonly authFile?: string | undefined;
  readonly compatAuthFile?: string | undefined;
  /** `--creds`: instead of stored ones. */
  readonly credentials?: Credentials | undefined;
  readonly certDir?: string | undefined;
  /** Absent: as configured for each registry. */
  readonly tlsVerify?: boolean | undefined;
}

/** What a `Context` has of it. */
export interface AccessContext {
  readonly paths: Paths;
  readonly settings: { readonly tokenHosts: Readonly<Record<string, readonly string[]>> };
}

/** Registries as one command sees them; clients are shared between its images. */
export class RegistryAccess {
  readonly conf: RegistriesConf;
  readonly #ctx: AccessContext;
  readonly #options: AccessOptions;
  readonly #clients = new Map<string, RegistryClient>();

  private constructor(ctx: AccessContext, options: AccessOptions, conf: RegistriesConf) {
    this.#ctx = ctx;
    this.#options = options;
    this.conf = conf;
  }

  static async open(ctx: AccessContext, options: AccessOptions = {}): Promise<RegistryAccess> {
    return new RegistryAccess(ctx, options, await loadRegistriesConf(ctx.paths));
  }

  /** Where to pull from, in order. @throws {RegistryError} `registry-blocked` */
  places(reference: FullReference): PullPlace[] {
    return pullPlaces(this.conf, reference);
  }

  /** The repository at a place; `name` is whose credentials count. */
  repository(place: PullPlace): Repository {
    const { reference } = place;
    return new Repository(
      this.#client(reference.domain, repository(reference), place.insecure),
      reference.path,
    );
  }

  /** Where to push to: the registry itself, rewritten, never a mirror. */
  pushTarget(reference: FullReference): Repository {
    return this.repository(pullPlaces(this.conf, reference).at(-1) as PullPlace);
  }

  /** A registry as a whole, for `login` and `search`. */
  registry(host: string): RegistryClient {
    const entry = findEntry(this.conf, { domain: host, path: "x" });
    return this.#client(entry?.location.split("/")[0] || host, host, entry?.insecure === true);
  }

  /** `key` chooses the credentials, since files may have some for a part of a registry only. */
  #client(host: string, key: string, configuredInsecure: boolean): RegistryClient {
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const { tlsVerify, certDir, credentials } = this.#options;
    const insecure = tlsVerify === undefined ? configuredInsecure : !tlsVerify;
    const http = new HttpClient({
      paths: this.#ctx.paths,
      certDir: certDir === undefined ? undefined : { host, path: certDir },
      insecureHosts: new Set(insecure ? [host] : []),
    });
    const client = new RegistryClient({
      host,
      insecure,
      http,
      tokenHosts: this.#ctx.settings.tokenHosts[host] ?? [],
      credentials: async () =>
        credentials ?? findCredentials({ paths: this.#ctx.paths, ...this.#options }, key),
    });
    this.#clients.set(key, client);
    return client;
  }
}
