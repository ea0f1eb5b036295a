/** Paths inside images and containers, for completion. A typo is no error here: it has no continuation. */
import { KelpError } from "../base/index.ts";
import { completePathInside, resolveContainer } from "../container/index.ts";
import { resolveImage } from "../image/index.ts";
import { type Context, type ContextOptions, openContext } from "../state/index.ts";
import type { Answer, PlaceKind, Typed } from "./complete.ts";
import { liveNames } from "./complete-names.ts";

type Place = (typed: Typed, globals: ContextOptions) => Promise<Answer>;

export function places(kind: PlaceKind, typed: Typed, globals: ContextOptions): Promise<Answer> {
  return PLACES[kind](typed, globals);
}

const FILES: Answer = { suggestions: [], files: "all" };

const PLACES: Readonly<Record<PlaceKind, Place>> = {
  "path-in-image": async ({ args, partial }, globals) =>
    (await pathsIn(globals, partial, async (ctx) => ({
      image: (await resolveImage(ctx, args[0] ?? "")).record,
    }))) ?? FILES,
  "path-in-container": async ({ args, partial }, globals) =>
    (await pathsIn(globals, partial, (ctx) => ({ container: resolveContainer(ctx, args[0] ?? "") }))) ??
    FILES,
  "copy-place": copyPlace,
  "volume-source": volumeSource,
};

/** `CONTAINER:PATH`, or a file of the host. */
async function copyPlace({ partial }: Typed, globals: ContextOptions): Promise<Answer> {
  if (/^[./~]/.test(partial)) return FILES;
  const colon = partial.indexOf(":");
  if (colon < 0) {
    const names = await liveNames("container", partial, globals);
    return { suggestions: names.map(([name, text]) => [`${name}:`, text] as const), files: "all" };
  }
  const [name, path] = [partial.slice(0, colon), partial.slice(colon + 1)];
  const found = await pathsIn(globals, path, (ctx) => ({
    container: resolveContainer(ctx, name),
  }));
  return { suggestions: found?.suggestions.map(([word]) => [`${name}:${word}`, ""] as const) ?? [] };
}

/** A volume, or a directory of the host; what follows the colon is not known before the image is. */
async function volumeSource({ partial }: Typed, globals: ContextOptions): Promise<Answer> {
  if (/^[./~]/.test(partial)) return { suggestions: [], files: "dirs" };
  const names = await liveNames("volume", partial, globals);
  return { suggestions: names.map(([name, text]) => [`${name}:`, text] as const), files: "dirs" };
}

type Tree = Parameters<typeof completePathInside>[1];

async function pathsIn(
  globals: ContextOptions,
  path: string,
  find: (ctx: Context) => Tree | Promise<Tree>,
): Promise<Answer | undefined> {
  try {
    const ctx = await openContext(globals);
    const paths = await completePathInside(ctx, await find(ctx), path === "" ? "/" : path);
    return { suggestions: paths.map((word) => [word, ""] as const) };
  } catch (error) {
    if (error instanceof KelpError) return undefined;
    throw error;
  }
}
