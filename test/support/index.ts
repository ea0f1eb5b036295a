/** Everything an integration test needs; CONTRIBUTING.md, "Testing", shows how. */
export { type Canary, makeCanary } from "./canary.ts";
export { cacheDirectory, KELP, ROOT, smallDisk } from "./environment.ts";
export { HOSTILE, hostileProgram, writeHostileArchive } from "./hostile.ts";
export {
  BUSYBOX,
  busyboxArchive,
  busyboxFiles,
  busyboxRootfs,
  dockerArchive,
  makeTar,
  type TarFile,
} from "./images.ts";
export { killMarked, leaksOf, mountsBeneath, processesUsing } from "./leaks.ts";
export { paxEntry, type RawEntry, rawTar } from "./raw-tar.ts";
export { type Feature, missing, requires } from "./requires.ts";
export { type KelpOptions, type KelpResult, run, type Sandbox, useSandbox } from "./sandbox.ts";
<<<<<<< HEAD
export { openTerminal, type Terminal } from "./terminal.ts";
export { type UserManagerHandle, useUserManager } from "./user-manager.ts";
=======
export { type UserSystemd, useSystemd } from "./user-systemd.ts";
>>>>>>> f3d4138 (container, systemd: logs of passed-through streams from the journal, secret variables for exec, SIGTERM to a service's monitor; test: services of a real systemd --user)
