/** Where the user's systemd and session bus listen; apart from speaking to them, which few commands do. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../host/index.ts";

function runtimeDirectory(env: Environment, uid: number): string {
  return env.XDG_RUNTIME_DIR || `/run/user/${uid}`;
}

/** The socket that systemd itself listens on: who has it, has a systemd. */
export function privateSocket(env: Environment, uid: number): string {
  return join(runtimeDirectory(env, uid), "systemd", "private");
}

/** Address of the session bus: what the environment says, else where it usually is. */
export function sessionBus(env: Environment, uid: number): string {
  return env.DBUS_SESSION_BUS_ADDRESS || `unix:path=${join(runtimeDirectory(env, uid), "bus")}`;
}

/** Whether the user has a systemd that can be asked; looks at one file. */
export function hasUserManager(env: Environment, uid = process.getuid?.() ?? 0): boolean {
  return existsSync(privateSocket(env, uid));
}

/** Sockets of the session bus, as DBUS_SESSION_BUS_ADDRESS lists them; other transports are left out. */
export function busSockets(address: string): string[] {
  return address.split(";").flatMap((entry) => {
    const [transport, words = ""] = entry.split(":", 2);
    if (transport !== "unix") return [];
    const values = new Map(words.split(",").map((word) => word.split("=", 2) as [string, string]));
    const path = values.get("path");
    if (path !== undefined) return [decodeURIComponent(path)];
    const abstract = values.get("abstract");
    return abstract === undefined ? [] : [`\0${decodeURIComponent(abstract)}`];
  });
}
