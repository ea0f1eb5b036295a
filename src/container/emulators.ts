/** Images of other architectures: what the kernel is to be told so that their programs run. */
import { emulatorRule, findEmulators, registeredArchitectures, runsArchitecture } from "../host/index.ts";
import { hostArchitecture, wantedPlatform } from "../image/index.ts";
import type { ContainerConfig, Context } from "../state/index.ts";
import type { CreateRequest } from "./create-options.ts";

/**
 * Rules for every emulator that is found, as the base's instance hides what the host has registered; none where the
 * kernel runs the image's programs as it is, or nothing here does.
 */
export function emulatorRules({ settings }: Context, architecture: string | undefined): readonly string[] {
  const own = hostArchitecture();
  if (architecture === undefined || runsArchitecture(architecture, own)) return [];
  const emulators = findEmulators(own, settings.helperDirs);
  return emulators.some((one) => one.architecture === architecture) ? emulators.map(emulatorRule) : [];
}

/** For whoever did not ask for it: everything takes longer than it should. */
export function platformWarnings(
  { architecture }: ContainerConfig,
  { options, step }: CreateRequest,
): string[] {
  if (architecture === undefined || step !== undefined || wantedPlatform(options) !== undefined) return [];
  return [
    `WARNING: image platform (linux/${architecture}) does not match the expected platform (linux/${hostArchitecture()})`,
  ];
}

/** Whether the machine has nothing that runs such programs. */
export function lacksEmulator(ctx: Context, architecture: string): boolean {
  return !runsArchitecture(architecture, hostArchitecture()) && emulatorRules(ctx, architecture).length === 0;
}

export interface Emulation {
  /** Architectures that the host's administrator has registered an emulator for. */
  readonly registered: readonly string[];
  /** Those with an emulator that kelp can register for its containers, where the kernel lets users do so. */
  readonly installed: readonly string[];
}

export function findEmulation({ settings }: Context): Emulation {
  const own = hostArchitecture();
  const installed = findEmulators(own, settings.helperDirs).map(({ architecture }) => architecture);
  return { registered: registeredArchitectures(own), installed };
}
