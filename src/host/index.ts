/**
 * host: the machine below us. Owns paths, file primitives, /proc, subordinate ids, the C
 * library (the only user of koffi), child processes and probes of the kernel.
 *
 * Must not know: containers, images, settings, the database.
 */
export { unpackedAsset } from "./assets.ts";
export {
  emulatorRule,
  findEmulators,
  registeredArchitectures,
  runsArchitecture,
} from "./binfmt.ts";
export {
  type CgroupDelegation,
  cgroupMount,
  controllersOf,
  delegateAdvice,
  enableControllers,
  enterCgroup,
  findDelegatedCgroup,
  findOwnCgroup,
  mayEnterCgroup,
  ownCgroup,
  userManagerCgroup,
} from "./cgroups.ts";
export { ChangeSignal } from "./changes.ts";
export {
  ensureDir,
  ensureRuntimeDir,
  errnoText,
  readIfExists,
  readNote,
  syncDirectory,
  type WriteOptions,
  writeError,
  writeFileAtomic,
  writeNote,
} from "./fs.ts";
export { type Libc, loadLibc, type PathArgument } from "./libc.ts";
export {
  loadLibSeccomp,
  type SeccompArg,
  type SeccompLibrary,
  type SeccompProgram,
  type SeccompRule,
} from "./libseccomp.ts";
export { notifyAddress } from "./notify-address.ts";
export { lookupGroup, lookupUser, type PasswdEntry } from "./passwd.ts";
export {
  blobPath,
  configDirectory,
  containerDir,
  containerRunDir,
  type Environment,
  goneDir,
  layersDir,
  liveDir,
  namesDir,
  netDir,
  type PathOptions,
  type Paths,
  resolvePaths,
  tempDir,
} from "./paths.ts";
export { type HostFacts, hasFuse, hostFacts, hostProblem } from "./probe.ts";
export { bootId, isAlive, lockHolder, processStart, readProcFile } from "./procfs.ts";
export { programVersion } from "./program-version.ts";
export { findProgram } from "./programs.ts";
export { followRuntime, recordRuntime } from "./runtime-place.ts";
export type { IdRange } from "./subid-ranges.ts";
export { type IdMaps, type IdSupport, idSupport, loadIdMaps } from "./subids.ts";
export { temporaryName, temporaryPath } from "./temporary.ts";
export { writeOut } from "./write-out.ts";
