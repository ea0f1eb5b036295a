/** --device: what of the host's permissions keeps a container from a device, said before it wonders. */
import { accessSync, constants, type Stats, statSync } from "node:fs";
import { lookupGroup, lookupUser } from "../host/index.ts";
import { parseDevice } from "../runtime/index.ts";

/**
 * A node stays the host's: whoever in the container opens it is the user to the kernel, and without the user's further
 * groups, unless they are kept.
 *
 * @returns a sentence for each device that cannot be opened from inside
 */
export function deviceWarnings(devices: readonly string[], groupAdd: readonly string[]): string[] {
  const keepsGroups = groupAdd.includes("keep-groups");
  return devices.flatMap((device) => {
    const { source, access } = parseDevice(device);
    const looks = statSync(source, { throwIfNoEntry: false });
    if (looks === undefined || looks.isDirectory()) return [];
    if (!mayOpen(source, access)) return [`device ${source} ${refusal(looks)}`];
    return keepsGroups || !needsGroup(looks) ? [] : [`device ${source} ${lostGroup(looks)}`];
  });
}

function mayOpen(path: string, access: string): boolean {
  const mode = (access.includes("r") ? constants.R_OK : 0) | (access.includes("w") ? constants.W_OK : 0);
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Ours by a further group of ours alone. */
function needsGroup({ uid, gid, mode }: Stats): boolean {
  return uid !== process.getuid?.() && gid !== process.getgid?.() && (mode & 0o006) === 0;
}

function refusal({ uid, gid, mode }: Stats): string {
  const owner = lookupUser(uid)?.name ?? String(uid);
  const group = groupName(gid);
  const help =
    (mode & 0o060) === 0 || gid === 0
      ? ""
      : `; as a member of ${group} you may, with --group-add keep-groups`;
  return `cannot be opened by you, nor by the container: it belongs to ${owner}:${group}, mode ${(mode & 0o777).toString(8)}${help}`;
}

function lostGroup({ gid }: Stats): string {
  return `is open to you as a member of ${groupName(gid)}, which the container is not: add --group-add keep-groups`;
}

const groupName = (gid: number) => lookupGroup(gid) ?? String(gid);
