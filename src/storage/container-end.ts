/** A container's files as a job finds them: where its first process sees them, or in a directory where they are mounted. */
import { readFileSync } from "node:fs";
import { errnoCode, StorageError } from "../base/index.ts";
import type { Owners } from "./copy-job.ts";
import { Directory } from "./tree/directory.ts";
import { type RootMount, RootTree } from "./tree/root.ts";

/** A path of a container. */
export interface ContainerEnd {
  readonly kind: "container";
  /** Its root: where its first process sees it, or a directory. */
  readonly root: { readonly pid: number; readonly start: string } | { readonly path: string };
  readonly mounts: readonly RootMount[];
  /** Its own ids, if they are not the base's. */
  readonly owners?: Owners | undefined;
  /** Absolute, not cleaned. */
  readonly path: string;
  /** As the user wrote it, and the container's name: for messages. */
  readonly shown: string;
  readonly container: string;
}

/** The caller closes it. */
export function openContainer(end: Pick<ContainerEnd, "root" | "mounts" | "container">): RootTree {
  return new RootTree(
    "path" in end.root ? Directory.open(end.root.path) : openProcessRoot(end.root, end.container),
    end.mounts,
  );
}

/** The process is looked at again after its root was opened: it was the same one, so this is its root. */
function openProcessRoot({ pid, start }: { pid: number; start: string }, container: string): Directory {
  try {
    const root = Directory.open(`/proc/${pid}/root`);
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    if (stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] === start) return root;
    root.close();
  } catch (error) {
    if (!["ENOENT", "ESRCH"].includes(errnoCode(error) ?? "")) throw error;
  }
  throw new StorageError("container-ended", `cannot look into container ${container}: it has just ended`);
}
