/** --reload-systemd. */
import { log } from "../base/index.ts";
import { systemctl, systemctlIsThere } from "../systemd/index.ts";
import type { OptionTable } from "./command.ts";

export const RELOAD_OPTION = {
  "reload-systemd": { kind: "boolean", default: true, text: "Have systemd read its units again" },
} as const satisfies OptionTable;

/** Without a systemd of the user's the units wait for one. */
export async function reloadUnits(wanted: boolean): Promise<void> {
  if (!wanted) return;
  if (!systemctlIsThere()) {
    log.warn("systemctl is not installed: the units are written, and start where there is systemd");
    return;
  }
  const { code, stderr } = await systemctl(["daemon-reload"]);
  if (code !== 0)
    log.warn(
      `the units are written, but systemd did not read them: ${stderr.trim()} (kelp doctor user-session)`,
    );
}
