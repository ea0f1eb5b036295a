/** Owners of files as a container with ids of its own names them, and as the base namespace, where jobs run, does. */
import { readFileSync } from "node:fs";
import type { Owners } from "../copy-job.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The kernel's name for ids that a namespace does not know. */
const NOBODY = 65534;

/** This namespace has one id only: no file can be given another owner. */
export function hasOneId(): boolean {
  const lines = readFileSync("/proc/self/uid_map", "utf8").trim().split("\n");
  return lines.length === 1 && lines[0]?.trim().split(/\s+/)[2] === "1";
}

/** @param owners absent: the container has the base's ids */
export function asContainer({ uid, gid }: Owner, owners: Owners | undefined): Owner {
  if (owners === undefined) return { uid, gid };
  return { uid: inside(uid, owners.uid) ?? NOBODY, gid: inside(gid, owners.gid) ?? NOBODY };
}

/** @throws {Error} EINVAL for ids that the container does not have, as chown inside it would */
export function asBase({ uid, gid }: Owner, owners: Owners | undefined): Owner {
  if (owners === undefined) return { uid, gid };
  const mapped = { uid: outside(uid, owners.uid), gid: outside(gid, owners.gid) };
  if (mapped.uid === undefined || mapped.gid === undefined)
    throw Object.assign(new Error("EINVAL"), { code: "EINVAL" });
  return { uid: mapped.uid, gid: mapped.gid };
}

type Ranges = Owners["uid"];

function inside(id: number, ranges: Ranges): number | undefined {
  const range = ranges.find(({ host, size }) => id >= host && id < host + size);
  return range && range.container + id - range.host;
}

function outside(id: number, ranges: Ranges): number | undefined {
  const range = ranges.find(({ container, size }) => id >= container && id < container + size);
  return range && range.host + id - range.container;
}
