/** What the monitor of a container that is being started is to know and to do, beside running it. */
import { join } from "node:path";
import { log } from "../base/index.ts";
import { containerDir, containerRunDir, goneDir } from "../host/index.ts";
import { type ClientConfig, kelpCommand, type MonitorConfig, type NotifyConfig } from "../runtime/index.ts";
import { type ContainerConfig, type ContainerRecord, type Context, hasJournal } from "../state/index.ts";
import { eventPlan } from "./event-plan.ts";
import { helperEnvironment } from "./helper-env.ts";
import { journalFields } from "./journal-fields.ts";
import { planForFailure } from "./start-plans.ts";

/** Which command started it; decides what a failure leaves behind and exits with. */
export type StartMode = "run" | "start";

export interface Starter {
  readonly client: ClientConfig;
  readonly mode: StartMode;
  /** It is made ready only: `releaseHeld` starts it. */
  readonly hold?: boolean;
}

/** @param notify whom it tells how its service fares */
export function monitorConfig(
  ctx: Context,
  record: ContainerRecord,
  starter: Starter,
  notify: NotifyConfig | undefined,
): MonitorConfig {
  const { config, id } = record;
  const directory = containerDir(ctx.paths, id);
  const env = helperEnvironment(ctx);
  const { paths } = ctx;
  return {
    id,
    containerDir: directory,
    runDir: containerRunDir(paths, id),
    log: logPlan(record),
    restart: config.restart,
    timeout: config.timeout,
    events: eventPlan(ctx, record),
    notify,
    tty: config.tty,
    stdin: !config.openStdin ? "null" : config.stdinOnce ? "once" : "open",
    init: config.init,
    stopSignal: config.stopSignal,
    stopTimeout: config.stopTimeout,
    client: ownStreams(config)
      ? { ...starter.client, stdin: false, stdout: false, stderr: false }
      : starter.client,
    ...(config.pidFile === undefined ? {} : { pidFile: config.pidFile }),
    ...(config.conmonPidFile === undefined ? {} : { monitorPidFile: config.conmonPidFile }),
    onFailure: {
      argv: [
        ...kelpCommand(),
        "__failed",
        id,
        planForFailure(ctx, record, starter.hold),
        paths.data,
        paths.runtime,
        starter.mode,
      ],
      env,
    },
    hold: starter.hold,
    ...after(ctx, record, starter),
    ...(config.autoRemove ? { remove: removal(ctx, record) } : {}),
  };
}

/** The journal may have gone since the container was made: it starts all the same. */
function logPlan(record: ContainerRecord): MonitorConfig["log"] {
  const { log: conf } = record.config;
  if (conf.driver !== "journald") return { ...conf, fields: {} };
  if (!hasJournal())
    log.warn(`there is no journal on this machine: nothing keeps the output of ${record.name}`);
  return { ...conf, fields: journalFields(record) };
}

/** Whether the container's streams are the caller's own, of which no client can have a part. */
export function ownStreams({ log: { driver } }: ContainerConfig): boolean {
  return driver === "passthrough" || driver === "passthrough-tty";
}

/** Volumes and images may have found other users by then: that is asked of the database, which only kelp knows. */
function after(ctx: Context, { config }: ContainerRecord, { client }: Starter): Pick<MonitorConfig, "after"> {
  const image = config.removeImage && !client.attach ? [config.image] : [];
  if (image.length === 0 && !(config.autoRemove && hasAnonymousVolumes(ctx, config))) return {};
  const argv = [...kelpCommand(), "__ended", ctx.paths.data, ctx.paths.runtime, ...image];
  return { after: { argv, env: helperEnvironment(ctx) } };
}

function hasAnonymousVolumes(ctx: Context, config: ContainerConfig): boolean {
  return config.mounts.some(
    ({ type, source }) =>
      type === "volume" && source !== undefined && ctx.state.volumes.get(source)?.anonymous === true,
  );
}

/** What --rm takes with it, without any kelp running. */
function removal(ctx: Context, { config, id }: ContainerRecord): NonNullable<MonitorConfig["remove"]> {
  return {
    trees: [containerDir(ctx.paths, id), containerRunDir(ctx.paths, id)],
    files: config.cidFile === undefined ? [] : [config.cidFile],
    marker: join(goneDir(ctx.paths), id),
  };
}
