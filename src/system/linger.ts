/** Lingering: a user's services run without a session of his. */
import { existsSync } from "node:fs";

const POLKIT = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service";

export function lingers(userName: string): boolean {
  return existsSync(`/var/lib/systemd/linger/${userName}`);
}

/** What gives lingering to a user. Without polkit, as on small servers, systemd-logind heeds root alone. */
export function lingerCommand(userName: string): string {
  return `${existsSync(POLKIT) ? "" : "sudo "}loginctl enable-linger ${userName}`;
}
