/**
 * What starts containers at boot: one unit of the user's systemd that has kelp start those whose restart policy says so.
 * Where there is no systemd, the same command does it from cron.
 */
import { existsSync, lstatSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { hostEnvironment } from "../config/index.ts";
import { lookupUser, readIfExists, writeFileAtomic } from "../host/index.ts";
import { kelpCommand } from "../runtime/index.ts";
import type { Context } from "../state/index.ts";
import { hasUserManager, literalUnitWord, UserManager, unitCommand } from "../systemd/index.ts";
import { lingerCommand, lingers } from "./linger.ts";

const UNIT = "kelp-boot.service";
/** What a user's systemd starts when it comes up. */
const TARGET = "default.target";

export interface BootStatus {
  readonly unit: string;
  /** The unit is there, says what it should, and will be started. */
  readonly enabled: boolean;
  /** The user's systemd comes up at boot, and not only with the first login. */
  readonly lingers: boolean;
  /** What an interested user types for that. */
  readonly lingerCommand: string;
  /** systemd has booted this machine. */
  readonly systemd: boolean;
  readonly userName: string;
  /** The line for a crontab, which does without systemd. */
  readonly cronLine: string;
}

export function bootStatus(ctx: Context): BootStatus {
  const { unit, wish } = places(ctx);
  const userName = lookupUser(process.getuid?.() ?? 0)?.name ?? "";
  return {
    unit,
    enabled: readIfExists(unit) === bootUnit(command(ctx)) && isThere(wish),
    lingers: lingers(userName),
    lingerCommand: lingerCommand(userName),
    systemd: existsSync("/run/systemd/system"),
    userName,
    cronLine: `@reboot ${command(ctx).map(shellWord).join(" ")}`,
  };
}

/** Writes the unit and has it started at boot; again after kelp has moved. */
export async function enableBoot(ctx: Context): Promise<BootStatus> {
  const { unit, wish } = places(ctx);
  mkdirSync(dirname(wish), { recursive: true });
  writeFileAtomic(unit, bootUnit(command(ctx)), { mode: 0o644 });
  if (!isThere(wish)) symlinkSync(unit, wish);
  await reload();
  return bootStatus(ctx);
}

/** Takes both away; what runs goes on. */
export async function disableBoot(ctx: Context): Promise<BootStatus> {
  const { unit, wish } = places(ctx);
  rmSync(wish, { force: true });
  rmSync(unit, { force: true });
  await reload();
  return bootStatus(ctx);
}

function places(ctx: Context): { unit: string; wish: string } {
  const directory = join(dirname(ctx.paths.config), "systemd", "user");
  return { unit: join(directory, UNIT), wish: join(directory, `${TARGET}.wants`, UNIT) };
}

/** A link to nothing is there as well. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

async function reload(): Promise<void> {
  if (!hasUserManager(hostEnvironment())) return;
  const manager = await UserManager.open(hostEnvironment());
  try {
    await manager.reload();
  } finally {
    manager.close();
  }
}

/** This kelp, and the store it works on now. */
function command({ settings }: Context): string[] {
  const { root, runroot } = settings;
  return [
    ...kelpCommand(),
    ...(root === "" ? [] : ["--root", root]),
    ...(runroot === "" ? [] : ["--runroot", runroot]),
    ...["start", "--all", "--filter", "should-start-on-boot=true"],
  ];
}

/**
 * The unit's text. What it starts belongs to the containers' own scopes, so stopping the unit stops none of them.
 *
 * @param words the command with its arguments
 */
export function bootUnit(words: readonly string[]): string {
  return `# Written by "kelp system boot enable"; "kelp system boot disable" removes it.
[Unit]
Description=Containers of kelp whose restart policy starts them at boot

[Service]
Type=oneshot
RemainAfterExit=yes
KillMode=process
ExecStart=${unitCommand(words.map(literalUnitWord))}

[Install]
WantedBy=${TARGET}
`;
}

/** As cron's shell reads it; there a percent sign ends the command. */
function shellWord(word: string): string {
  const quoted = /^[\w@+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  return quoted.replaceAll("%", "\\%");
}
