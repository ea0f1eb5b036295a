/** A user's units cannot wait for the system's network: this one asks for it instead. */
import type { GeneratedUnit } from "./generate.ts";

/** podman's name for such a unit, so that one of them is enough. */
export const NETWORK_WAIT = "podman-user-wait-network-online.service";

/**
 * Until the system is online; or has come up without anybody having asked for that, when waiting longer would be in vain.
 */
const SCRIPT =
  "until systemctl is-active --quiet network-online.target; do " +
  'case "$$(systemctl is-system-running)" in initializing|starting) sleep 0.5;; *) break;; esac; done';

export function networkWaitUnit(): GeneratedUnit {
  const text = `# Made by kelp quadlet: changes here are lost.

[Unit]
Description=Wait for the system to be online

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=90
ExecStart=sh -c '${SCRIPT}'
`;
  return { name: NETWORK_WAIT, text, links: [] };
}
