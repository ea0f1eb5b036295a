import { ellipsis, KelpError, UsageError } from "../../../base/index.ts";
import { dockerReference, parseReference, repository } from "../../../oci/index.ts";
import {
  RegistryAccess,
  type SearchResult,
  searchRegistries,
  searchRegistry,
} from "../../../registry/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { printFormatted, printJson } from "../../format.ts";
import { AUTH_OPTIONS, accessOptions, CREDS_OPTION } from "../../options/registry.ts";

const DESCRIPTION_WIDTH = 44;
const DEFAULT_LIMIT = 25;
const MAX_LIMIT = 100;

export default defineCommand({
  paths: [["search"], ["image", "search"]],
  summary: "Search registries for images",
  usage: "[options] TERM",
  examples: [
    ["kelp search quay.io/busybox", "Search one registry"],
    ["kelp search --list-tags quay.io/libpod/alpine", "The tags of a repository"],
  ],
  options: {
    ...AUTH_OPTIONS,
    ...CREDS_OPTION,
    compatible: { kind: "boolean", text: "Show stars and who made it, as docker does" },
    filter: {
      kind: "list",
      short: "f",
      value: "KEY=VALUE",
      text: "stars=N, is-official=true or is-automated=true",
    },
    format: { kind: "string", value: "FORMAT", text: "json, or a Go template" },
    limit: { kind: "int", value: "N", default: DEFAULT_LIMIT, text: "At most so many of each registry" },
    "list-tags": { kind: "boolean", text: "The tags of the repository TERM" },
    "no-trunc": { kind: "boolean", text: "Show descriptions whole" },
  },
  args: { min: 1, max: 1, completes: "none" },
  async run({ args: [term = ""], options, given, io, globals }) {
    if (options.limit > MAX_LIMIT)
      throw new UsageError("limit", `limit ${options.limit} is outside the range of [1, ${MAX_LIMIT}]`);
    const ctx = await openContext(globals);
    const access = await RegistryAccess.open(ctx, accessOptions(options, given));
    const style = { format: options.format, noTrunc: options["no-trunc"] };
    if (options["list-tags"]) {
      const tags = await listTags(
        access,
        term,
        given.has("limit") ? options.limit : Number.POSITIVE_INFINITY,
      );
      if (options.format === "json") io.out(printJson(byRepository(tags)));
      else await printFormatted(io, tags, { name: "search", ...style, columns: ["Name", "Tag"] });
      return 0;
    }
    const matches = searchFilter(options.filter);
    const results = (await searchAll(access, term, options.limit)).filter(matches);
    const rows = results.map((result) => searchRow(result, options["no-trunc"]));
    await printFormatted(io, rows, {
      name: "search",
      ...style,
      columns: options.compatible
        ? ["Name", "Description", "Stars", "Official", "Automated"]
        : ["Name", "Description"],
    });
    return 0;
  },
});

/** The registry a term begins with, else every one of the search list; one that answers is enough. */
async function searchAll(access: RegistryAccess, term: string, limit: number): Promise<SearchResult[]> {
  const slash = term.indexOf("/");
  const first = slash < 0 ? "" : term.slice(0, slash);
  if (/[.:]/.test(first) || first === "localhost")
    return searchRegistry(access, first, term.slice(slash + 1), limit);
  const hosts = searchRegistries(access.conf).registries;
  const found = await Promise.allSettled(hosts.map((host) => searchRegistry(access, host, term, limit)));
  const failed = found.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  const unexpected = failed.find((error) => !(error instanceof KelpError));
  if (unexpected !== undefined || failed.length === hosts.length) throw unexpected ?? failed[0];
  return found.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
}

async function listTags(access: RegistryAccess, term: string, limit: number) {
  const reference = dockerReference(parseReference(term.replace(/^docker:\/\//, "")));
  const tags = await access.pushTarget(reference).tags();
  return tags.slice(0, limit).map((Tag) => ({ Name: repository(reference), Tag }));
}

/** JSON has one object for a repository, where the table has a row for a tag. */
function byRepository(tags: readonly { readonly Name: string; readonly Tag: string }[]): object[] {
  return tags.length === 0 ? [] : [{ Name: tags[0]?.Name, Tags: tags.map(({ Tag }) => Tag) }];
}

function searchFilter(filters: readonly string[]): (result: SearchResult) => boolean {
  const checks = filters.map((filter) => {
    const [key = "", value = ""] = filter.split("=", 2);
    if (key === "stars" && /^\d+$/.test(value)) return ({ stars }: SearchResult) => stars >= Number(value);
    if (key === "is-official") return ({ official }: SearchResult) => official === (value !== "false");
    if (key === "is-automated") return ({ automated }: SearchResult) => automated === (value !== "false");
    throw new UsageError(
      "filter-invalid",
      `invalid filter ${JSON.stringify(filter)}: expected stars=N, is-official or is-automated`,
    );
  });
  return (result) => checks.every((check) => check(result));
}

function searchRow(result: SearchResult, whole: boolean) {
  const description = result.description.replaceAll("\n", " ");
  return {
    Index: result.index,
    Name: result.name,
    Description: whole ? description : ellipsis(description, DESCRIPTION_WIDTH),
    Stars: result.stars,
    Official: result.official ? "[OK]" : "",
    Automated: result.automated ? "[OK]" : "",
    Tag: "",
  };
}
