/** --userns ns:PATH: the ids of a user namespace that somebody else has made. */
import { readdirSync, readlinkSync, statSync } from "node:fs";
import { ConflictError, UsageError } from "../base/index.ts";
import { type IdMaps, type IdRange, readProcFile } from "../host/index.ts";
import type { ContainerConfig } from "../state/index.ts";

type OwnIds = NonNullable<ContainerConfig["ownIds"]>;

/**
 * Its maps in ids of the base; undefined if it is the namespace that we are in ourselves.
 *
 * @throws {UsageError} if the path is no user namespace, or one whose ids are not all ours
 * @throws {ConflictError} if nobody lives in it: then nobody can say which ids it has
 */
export function joinedIds(path: string, maps: IdMaps): OwnIds | undefined {
  const inode = namespaceInode(path);
  if (inode === namespaceInode("/proc/self/ns/user")) return undefined;
  const pid = /^\/proc\/(\d+)\/ns\/user$/.exec(path)?.[1] ?? memberOf(inode);
  if (pid === undefined) {
    throw new ConflictError(
      "namespace-gone",
      `cannot join user namespace ${path}: no process that you can see is in it`,
    );
  }
  const read = (name: string, base: readonly IdRange[]) =>
    toBase(readProcFile(`/proc/${pid}/${name}`) ?? "", path, base);
  return { uid: read("uid_map", maps.uid), gid: read("gid_map", maps.gid) };
}

function namespaceInode(path: string): number {
  try {
    return statSync(path).ino;
  } catch (cause) {
    throw new UsageError(
      "no-such-namespace",
      `cannot join user namespace ${path}: no such file or directory`,
      {
        cause,
      },
    );
  }
}

function memberOf(inode: number): string | undefined {
  return readdirSync("/proc").find((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/ns/user`) === `user:[${inode}]`;
    } catch {
      return false;
    }
  });
}

/** Lines of a map as this process sees it: the outer ids are the host's. */
function toBase(text: string, path: string, base: readonly IdRange[]): IdRange[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [container = 0, host = 0, size = 0] = line.trim().split(/\s+/).map(Number);
      const outer = base.find((range) => host >= range.host && host + size <= range.host + range.size);
      if (outer !== undefined) return { container, host: outer.container + host - outer.host, size };
      throw new UsageError(
        "foreign-namespace",
        `cannot join user namespace ${path}: its ids are not all yours`,
      );
    });
}
