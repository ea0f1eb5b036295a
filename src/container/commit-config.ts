/** The documents of an image made from a container. */
import { hostArchitecture } from "../image/index.ts";
import type { Digest, HistoryEntry, ImageConfig, ImageRunConfig } from "../oci/index.ts";
import type { ContainerRecord } from "../state/index.ts";
import { signalName } from "./signal.ts";

/** Set by kelp for every container, so that they mean nothing about this one. */
const KELPS_OWN = new Set(["HOSTNAME", "HOME", "TERM", "container"]);

/**
 * What a container of the new image gets: what this one had. Entrypoint and command are the container's
 * even where it had none: `--entrypoint` silences the image's command, and an image that had it again would hand it to
 * another program.
 */
export function committedConfig({ config }: ContainerRecord, of: ImageRunConfig): ImageRunConfig {
  const { Entrypoint: _entrypoint, Cmd: _command, ...image } = of;
  const env = committedEnv(config.env, image.Env ?? []);
  const ports = config.network.ports.map((port) => [`${port.containerPort}/${port.protocol}`, {}] as const);
  const exposed = { ...image.ExposedPorts, ...Object.fromEntries(ports) };
  return {
    ...image,
    ...(config.user === "" ? {} : { User: config.user }),
    ...(Object.keys(exposed).length === 0 ? {} : { ExposedPorts: exposed }),
    ...(env.length === 0 ? {} : { Env: env }),
    ...(config.entrypoint.length === 0 ? {} : { Entrypoint: config.entrypoint }),
    ...(config.command.length === 0 ? {} : { Cmd: config.command }),
    ...(config.workdir === "" ? {} : { WorkingDir: config.workdir }),
    ...(Object.keys(config.labels).length === 0 ? {} : { Labels: { ...config.labels } }),
    ...(image.StopSignal === undefined && config.stopSignal === SIGTERM
      ? {}
      : { StopSignal: signalName(config.stopSignal) }),
  };
}

const SIGTERM = 15;

function committedEnv(env: readonly string[], image: readonly string[]): string[] {
  const known = new Set(image.map(nameOf));
  return env.filter((entry) => known.has(nameOf(entry)) || !KELPS_OWN.has(nameOf(entry)));
}

function nameOf(entry: string): string {
  return entry.split("=", 1)[0] as string;
}

export interface DocumentInput {
  readonly config: ImageRunConfig;
  /** The config of the container's image. */
  readonly from: ImageConfig | undefined;
  /** The steps that come before this one. */
  readonly history: readonly HistoryEntry[];
  readonly diffIds: readonly Digest[];
  readonly author?: string | undefined;
  readonly message?: string | undefined;
}

/** The image's config document. A history that does not tell of every layer gets steps without words for the rest. */
export function committedDocument(record: ContainerRecord, input: DocumentInput): object {
  const { from, diffIds, author, message } = input;
  const created = new Date().toISOString();
  const told = input.history.filter((step) => step.empty_layer !== true).length;
  const untold = Array.from({ length: Math.max(0, diffIds.length - 1 - told) }, () => ({ created }));
  const step: HistoryEntry = {
    created,
    created_by: [...record.config.entrypoint, ...record.config.command].join(" "),
    ...(author === undefined ? {} : { author }),
    ...(message === undefined ? {} : { comment: message }),
  };
  return {
    created,
    ...(author === undefined ? {} : { author }),
    architecture: from?.architecture ?? hostArchitecture(),
    os: from?.os ?? "linux",
    ...(from?.variant === undefined ? {} : { variant: from.variant }),
    config: input.config,
    rootfs: { type: "layers", diff_ids: diffIds },
    history: [...input.history, ...untold, step],
  };
}
