/** Device nodes: the standard ones and those of --device and --privileged. */
import { UsageError } from "../base/index.ts";
import type { SpecMount } from "../oci/index.ts";

/** Nodes every container has, by name in /dev. */
export const STANDARD_DEVICES: readonly {
  readonly path: string;
  readonly major: number;
  readonly minor: number;
}[] = [
  { path: "/dev/null", major: 1, minor: 3 },
  { path: "/dev/zero", major: 1, minor: 5 },
  { path: "/dev/full", major: 1, minor: 7 },
  { path: "/dev/tty", major: 5, minor: 0 },
  { path: "/dev/random", major: 1, minor: 8 },
  { path: "/dev/urandom", major: 1, minor: 9 },
];

/** A device of the host under a name of the container's. */
export interface DeviceRequest {
  readonly source: string;
  readonly destination: string;
  readonly access: string;
}

/** `HOST[:CONTAINER][:rwm]`. */
export function parseDevice(text: string): DeviceRequest {
  const words = text.split(":");
  const [source = "", second, third] = words;
  const isAccess = (word: string | undefined) => word !== undefined && /^[rwm]{1,3}$/.test(word);
  const destination = second === undefined || (isAccess(second) && third === undefined) ? source : second;
  const access = third ?? (isAccess(second) ? second : undefined) ?? "rwm";
  if (words.length > 3 || !source.startsWith("/") || !destination.startsWith("/") || !isAccess(access)) {
    throw new UsageError("invalid-device", `invalid device specification: ${text}`, {
      hint: "give a device as HOST-PATH[:CONTAINER-PATH][:rwm]",
    });
  }
  return { source, destination, access };
}

/**
 * The devices beyond the standard ones, as binds of the host's own nodes: a user can make none.
 * Access words beyond the node's own permissions would need a device cgroup and are not enforced.
 */
export function makeDevices(flags: readonly string[], hostDevices: readonly string[]): SpecMount[] {
  const standard = new Set(STANDARD_DEVICES.map((device) => device.path));
  const all = new Map<string, string>();
  for (const path of hostDevices) if (!standard.has(path)) all.set(path, path);
  for (const { source, destination } of flags.map(parseDevice)) all.set(destination, source);
  return [...all].map(([destination, source]) => ({
    destination,
    type: "bind",
    source,
    options: ["bind", "private", "nosuid", "noexec"],
  }));
}
