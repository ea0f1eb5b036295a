/** The job `complete-path`: what a path that was begun could become, inside a container or an image. */
import { type ContainerEnd, openContainer } from "./container-end.ts";
import { isMissing, type RootTree } from "./tree/root.ts";

export type NamesInput = Pick<ContainerEnd, "root" | "mounts" | "container"> & {
  /** Where a relative path begins. */
  readonly cwd: string;
  /** As it was typed so far. */
  readonly path: string;
};

/**
 * Whole paths that begin with the one typed; directories end with a slash. A directory that was typed to its last letter
 * gives what is in it, if anything is.
 */
export async function completePath(input: NamesInput): Promise<string[]> {
  const tree = openContainer(input);
  try {
    const typed = Buffer.from(input.path).toString("latin1");
    const found = below(tree, input.cwd, typed);
    const inner = found[0] === `${typed}/` && found.length === 1 ? below(tree, input.cwd, found[0]) : [];
    return (inner.length > 0 ? inner : found).map((path) => Buffer.from(path, "latin1").toString());
  } finally {
    tree.close();
  }
}

/** A name with control characters would break the lines of the answer, and the terminal. */
const SPOKEN = /^[^\0-\x1f\x7f]*$/;

function below(tree: RootTree, cwd: string, typed: string): string[] {
  const slash = typed.lastIndexOf("/") + 1;
  const [lead, start] = [typed.slice(0, slash), typed.slice(slash)];
  const directory = lead.startsWith("/") ? lead : `${cwd}/${lead}`;
  const at = lookUp(tree, directory);
  if (at?.kind !== "directory") return [];
  return at.dir
    .names()
    .filter((name) => name.startsWith(start) && SPOKEN.test(name))
    .map((name) => {
      const isDirectory = lookUp(tree, `${directory}/${name}`)?.kind === "directory";
      return `${lead}${name}${isDirectory ? "/" : ""}`;
    });
}

function lookUp(tree: RootTree, path: string) {
  try {
    return tree.resolve(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
