/** Looking for repositories: by the index API of Docker Hub and quay.io, else by a registry's catalogue. */
import { RegistryError } from "../base/index.ts";
import type { RegistryAccess } from "./access.ts";
import type { RegistryClient } from "./client.ts";
import { dropBody, readDocument } from "./http.ts";

export interface SearchResult {
  /** The registry's name, as asked. */
  readonly index: string;
  /** `registry/repository`. */
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly official: boolean;
  readonly automated: boolean;
}

const MAX_ANSWER = 16 << 20;
const MAX_PAGES = 100;

/** @throws {RegistryError} if the registry cannot be asked either way */
export async function searchRegistry(
  access: RegistryAccess,
  host: string,
  term: string,
  limit: number,
): Promise<SearchResult[]> {
  const client = access.registry(host === "docker.io" ? "index.docker.io" : host);
  return (await byIndex(client, host, term, limit)) ?? (await byCatalogue(client, host, term, limit));
}

/** Undefined if the registry has no such API. */
async function byIndex(
  client: RegistryClient,
  host: string,
  term: string,
  limit: number,
): Promise<SearchResult[] | undefined> {
  const query = new URLSearchParams({ q: term, n: String(limit) });
  const { response, url } = await client.request({
    path: `/v1/search?${query}`,
    scopes: [],
    accept: [200, 401, 403, 404, 405, 410, 501],
  });
  if (response.status !== 200) {
    await dropBody(response);
    return undefined;
  }
  const results = resultList(await readDocument(response, url, MAX_ANSWER));
  return results?.slice(0, limit).map((item) => ({
    index: host,
    name: `${host}/${host === "docker.io" && item.is_official === true && !text(item.name).includes("/") ? "library/" : ""}${text(item.name)}`,
    description: text(item.description),
    stars: typeof item.star_count === "number" ? item.star_count : 0,
    official: item.is_official === true,
    automated: item.is_automated === true,
  }));
}

function resultList(bytes: Buffer): Record<string, unknown>[] | undefined {
  try {
    const { results } = JSON.parse(bytes.toString("utf8")) as { results?: unknown };
    if (Array.isArray(results)) return results.filter((item) => typeof item === "object" && item !== null);
  } catch {
    // A page for people: there is no such API.
  }
  return undefined;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

async function byCatalogue(
  client: RegistryClient,
  host: string,
  term: string,
  limit: number,
): Promise<SearchResult[]> {
  const found: SearchResult[] = [];
  let path: string | URL | undefined = "/v2/_catalog?n=1000";
  for (let page = 0; path !== undefined && page < MAX_PAGES && found.length < limit; page++) {
    const { response, url }: Awaited<ReturnType<RegistryClient["request"]>> = await client.request({
      path,
      scopes: ["registry:catalog:*"],
      accept: [200],
    });
    const link: string | undefined = /<([^>]+)>\s*;\s*rel="?next"?/.exec(
      response.headers.get("link") ?? "",
    )?.[1];
    for (const name of repositories(await readDocument(response, url, MAX_ANSWER), url))
      if (name.includes(term))
        found.push({
          index: host,
          name: `${host}/${name}`,
          description: "",
          stars: 0,
          official: false,
          automated: false,
        });
    const next: URL | undefined =
      link !== undefined && URL.canParse(link, url.href) ? new URL(link, url) : undefined;
    path = next?.host === url.host ? next : undefined;
  }
  return found.slice(0, limit);
}

function repositories(bytes: Buffer, url: URL): string[] {
  try {
    const { repositories: names } = JSON.parse(bytes.toString("utf8")) as { repositories?: unknown };
    if (names === null || names === undefined) return [];
    if (Array.isArray(names)) return names.filter((name) => typeof name === "string");
  } catch {
    // Said below.
  }
  throw new RegistryError("answer-invalid", `cannot search ${url.host}: its catalogue is not understood`);
}
