import { UsageError } from "../../../base/index.ts";
import { openContext } from "../../../state/index.ts";
import { type BootStatus, bootStatus, disableBoot, enableBoot } from "../../../system/index.ts";
import { defineCommand } from "../../command.ts";

const ACTIONS = { enable: enableBoot, disable: disableBoot, status: bootStatus } as const;

export default defineCommand({
  paths: [["system", "boot"]],
  summary: "Have containers started at boot as their restart policy says",
  description: `ACTION is enable, disable or status: enable writes a unit of the user's systemd that runs "kelp start --all --filter should-start-on-boot=true":
  containers with --restart always start, and those with --restart unless-stopped that nobody had stopped. Users' systemds
  come up at boot for those who linger only (loginctl enable-linger). Without systemd the line that status prints does the
  same from a crontab. status exits with 1 if nothing is enabled.`,
  usage: "ACTION",
  examples: [
    ["kelp system boot enable", "Start containers at boot from now on"],
    ["kelp system boot status", "See whether that is so, and what is missing for it"],
  ],
  options: {},
  args: { min: 1, max: 1, completes: { each: ["none"] } },
  async run({ args: [action = ""], io, globals }) {
    const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action as keyof typeof ACTIONS] : undefined;
    if (act === undefined)
      throw new UsageError(
        "unknown-action",
        `unknown action ${JSON.stringify(action)}: must be enable, disable or status`,
      );
    const status = await act(await openContext(globals));
    io.out(report(status));
    return action === "status" && !status.enabled ? 1 : 0;
  },
});

function report({ unit, enabled, systemd, lingers, lingerCommand, userName, cronLine }: BootStatus): string {
  const lines = [enabled ? `enabled: ${unit}` : "disabled"];
  if (enabled && systemd && !lingers)
    lines.push(
      `${userName} does not linger: containers start with the first login, and end with the last session.`,
      `To start them at boot: ${lingerCommand}`,
    );
  if (!systemd) lines.push("This machine runs without systemd. For cron (crontab -e):", `  ${cronLine}`);
  return `${lines.join("\n")}\n`;
}
