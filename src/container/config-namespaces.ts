/** --pid, --ipc, --uts, --cgroupns and --userns. */
import { UsageError } from "../base/index.ts";
import type { ContainerConfig, Context } from "../state/index.ts";
import type { CreateOptions } from "./create-options.ts";
import { resolveContainer } from "./select.ts";

type Namespaces = ContainerConfig["namespaces"];

const KINDS: Readonly<Record<keyof Namespaces, readonly string[]>> = {
  pid: ["private", "host", "container", "ns"],
  ipc: ["private", "shareable", "none", "host", "container", "ns"],
  uts: ["private", "host", "container", "ns"],
  cgroup: ["private", "host", "container", "ns"],
  user: ["private", "host", "container", "ns", "keep-id", "auto", "nomap"],
};

/** The flags' modes over the settings', `container:NAME` as the container's full ID. */
export function namespaceConfig(ctx: Context, options: CreateOptions, userMode: string): Namespaces {
  const { settings } = ctx;
  return {
    pid: checkMode(ctx, "pid", options.pid || settings.pidNamespace),
    ipc: checkMode(ctx, "ipc", options.ipc || settings.ipcNamespace),
    uts: checkMode(ctx, "uts", options.uts || settings.utsNamespace),
    cgroup: checkMode(ctx, "cgroup", options.cgroupns || settings.cgroupNamespace),
    user: checkMode(ctx, "user", userMode),
  };
}

function checkMode(ctx: Context, type: keyof Namespaces, mode: string): string {
  const kind = mode.split(":", 1)[0]!;
  if (!KINDS[type].includes(kind)) {
    throw new UsageError(
      "invalid-namespace",
      `unrecognized namespace mode ${mode} passed: invalid argument`,
      {
        hint: `Modes of --${type === "cgroup" ? "cgroupns" : type === "user" ? "userns" : type}: ${KINDS[type].join(", ")}.`,
      },
    );
  }
  if (kind !== "container") return mode;
  const owner = resolveContainer(ctx, mode.slice("container:".length));
  if (type === "ipc" && ["private", "none"].includes(owner.config.namespaces.ipc)) {
    throw new UsageError(
      "private-ipc",
      `joining IPC of container ${owner.id} is not allowed: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    );
  }
  // The host's namespaces belong to nobody of ours, so that no process could enter them; one that stays outside is in them.
  if (type !== "user" && owner.config.namespaces[type] === "host") return "host";
  return `container:${owner.id}`;
}

/** The containers whose namespaces are joined: they must live for this one to start. */
export function namespaceOwners(namespaces: Namespaces, networkMode: string): string[] {
  const modes = [...Object.values(namespaces), networkMode];
  const ids = modes
    .filter((mode) => mode.startsWith("container:"))
    .map((mode) => mode.slice("container:".length));
  return [...new Set(ids)];
}
