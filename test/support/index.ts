/** Everything an integration test needs; CONTRIBUTING.md, "Testing", shows how. */
export { type Canary, makeCanary } from "./canary.ts";
export { cacheDirectory, KELP, ROOT, smallDisk } from "./environment.ts";
export { arm64Uname } from "./foreign.ts";
export { HOSTILE, hostileProgram, writeHostileArchive } from "./hostile.ts";
export {
  BUSYBOX,
  busyboxArchive,
  busyboxFiles,
  busyboxRootfs,
  debianArchive,
  dockerArchive,
  makeTar,
  type TarFile,
} from "./images.ts";
export { killMarked, leaksOf, mountsBeneath, processesUsing } from "./leaks.ts";
export { type RealPodman, realPodman } from "./podman.ts";
export { paxEntry, type RawEntry, rawTar } from "./raw-tar.ts";
export { type Feature, missing, noteMissing, requires } from "./requires.ts";
export { type KelpOptions, type KelpResult, run, type Sandbox, useSandbox } from "./sandbox.ts";
export { openTerminal, type Terminal } from "./terminal.ts";
export { until } from "./until.ts";
export { type UserManagerHandle, useUserManager } from "./user-manager.ts";
export { type UserSystemd, useSystemd } from "./user-systemd.ts";
