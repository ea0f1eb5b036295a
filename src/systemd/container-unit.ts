/** The unit that `generate systemd` writes for a container. */
import { literalUnitWord, quoteUnitWord, unitCommand } from "./unit-words.ts";

export interface ContainerUnitOptions {
  readonly after: readonly string[];
  readonly wants: readonly string[];
  readonly requires: readonly string[];
  /** `NAME=value`, for the unit. */
  readonly env: readonly string[];
  readonly restartPolicy: string;
  /** Starts that systemd makes before it gives up; absent: its own limit. */
  readonly startLimit?: number | undefined;
  readonly restartSec?: number | undefined;
  readonly startTimeout?: number | undefined;
  /** Seconds from the stop signal to the end. */
  readonly stopTimeout: number;
  /** Lines above the unit, as comments. */
  readonly header: readonly string[];
}

export interface ContainerUnit {
  /** `NAME.service`. */
  readonly name: string;
  /** Absolute path of kelp. */
  readonly command: string;
  /** What kelp gets before the command's name: --root and the like. */
  readonly global: readonly string[];
  /** An existing container by name or ID, or the words that make one after `run`, with --name and without --rm. */
  readonly container:
    | { readonly reference: string }
    | { readonly run: readonly string[]; readonly sdnotify: string };
  readonly options: ContainerUnitOptions;
}

/** How long systemd waits for kelp beyond the time kelp gives the container. */
const GRACE_SECONDS = 60;

/** Pure: the text of the unit. */
export function containerUnit(unit: ContainerUnit): string {
  const { options } = unit;
  const lines = [
    ...options.header.map((line) => `# ${line}`),
    ...(options.header.length === 0 ? [] : [""]),
    "[Unit]",
    `Description=Podman ${unit.name}`,
    "Wants=network-online.target",
    "After=network-online.target",
    ...dependencies("After", options.after),
    ...dependencies("Wants", options.wants),
    ...dependencies("Requires", options.requires),
    ...number("StartLimitBurst", options.startLimit),
    "",
    "[Service]",
    "Environment=PODMAN_SYSTEMD_UNIT=%n",
    ...options.env.map((word) => `Environment=${quoteUnitWord(word.replaceAll("%", "%%"))}`),
    `Restart=${options.restartPolicy}`,
    ...number("RestartSec", options.restartSec),
    ...number("TimeoutStartSec", options.startTimeout),
    `TimeoutStopSec=${options.stopTimeout + GRACE_SECONDS}`,
    ...commands(unit),
    "Type=notify",
    "NotifyAccess=all",
    "Delegate=yes",
    "KillMode=mixed",
    "",
    "[Install]",
    "WantedBy=default.target",
    "",
  ];
  return lines.join("\n");
}

function dependencies(key: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${key}=${names.join(" ")}`];
}

function number(key: string, value: number | undefined): string[] {
  return value === undefined ? [] : [`${key}=${value}`];
}

/** systemd gives each instance of a template, and each unit, a file of its own for the ID. */
const CIDFILE = "--cidfile=%t/%n.ctr-id";

function commands({ command, global, container, options }: ContainerUnit): string[] {
  const kelp = (...words: readonly string[]) =>
    unitCommand([command, ...global.map(literalUnitWord), ...words]);
  const time = String(options.stopTimeout);
  if ("reference" in container) {
    const { reference } = container;
    return [
      `ExecStart=${kelp("start", "--sdnotify", "conmon", reference)}`,
      `ExecStop=${kelp("stop", "-t", time, reference)}`,
      `ExecStopPost=${kelp("stop", "--ignore", "-t", time, reference)}`,
    ];
  }
  const run = [CIDFILE, "--cgroups=split", "--rm", `--sdnotify=${container.sdnotify}`, "-d", "--replace"];
  return [
    "ExecStartPre=/bin/rm -f %t/%n.ctr-id",
    `ExecStart=${kelp("run", ...run, ...container.run)}`,
    `ExecStop=${kelp("stop", "--ignore", "-t", time, CIDFILE)}`,
    `ExecStopPost=${kelp("rm", "-f", "--ignore", "-t", time, CIDFILE)}`,
  ];
}
