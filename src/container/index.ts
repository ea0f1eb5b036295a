/**
 * container: what can be done with containers, from create to rm. Owns the meaning of the flags of `run`, the order of
 * things in a start, and what a container's files and record say together.
 *
 * Must not know: the terminal, how arguments are parsed, how a plan is written or carried out.
 */
export { autoUpdate } from "./auto-update.ts";
export { cgroupManager } from "./cgroup-home.ts";
export { containerChanges, MOUNT_POINTS } from "./changes.ts";
export { isInUse } from "./claim.ts";
export { type CloneRequest, cloneContainer } from "./clone.ts";
export { type CommitOptions, commitContainer } from "./commit.ts";
export { compareTrees, type Tree } from "./compare.ts";
export { resourceLimits } from "./config.ts";
export { changedHealth } from "./config-health.ts";
export { LOG_DRIVERS } from "./config-log.ts";
export { parseRestart, parseUlimit } from "./config-words.ts";
export { type CopyPlace, type CopyRequest, copyFiles } from "./copy.ts";
export { type Created, createContainer } from "./create.ts";
export type { CreateOptions, CreateRequest } from "./create-options.ts";
export { parseDetachKeys } from "./detach-keys.ts";
export { type Emulation, findEmulation, lacksEmulator } from "./emulators.ts";
export { finishEnded, removeUnusedImage } from "./ended.ts";
export { type ExecOptions, prepareExec } from "./exec.ts";
export { type Explained, explainName, explainRequest } from "./explain/explain.ts";
export { exportContainer } from "./export.ts";
export { explainFailedStart } from "./failed.ts";
export { type ContainerPredicate, containerFilters, type FilterLookup, fullCommand } from "./filter.ts";
export { pauseContainer, unpauseContainer } from "./freezer.ts";
export { runHealthCheck } from "./health-run.ts";
export { isReadyToStart, releaseFailure, releaseHeld } from "./held.ts";
export { completePathInside } from "./inside.ts";
export { goTime, inspectContainer } from "./inspect.ts";
export type { KeptFds } from "./kept-fds.ts";
export type { LogEntry } from "./log-file.ts";
export type { LogQuery } from "./log-reader.ts";
export { containerLog, followContainerLog, logLoss, refuseUnreadable } from "./logs.ts";
export { usedMappings } from "./mappings.ts";
export {
  containerMountpoint,
  imagePlace,
  mountContainer,
  mountedImages,
  mountImage,
  requireUnshared,
  unmountContainer,
  unmountImage,
} from "./mounted.ts";
export { checkContainerName } from "./name.ts";
export { connectNetwork, disconnectNetwork, reloadNetworks, renameContainer } from "./network-join.ts";
export { checkAddress, checkMac } from "./network-names.ts";
export {
  inspectNetworkMembers,
  type NetworkChange,
  removeNetwork,
  updateNetwork,
  usingNetwork,
} from "./networks.ts";
export { type RemoveOptions, removeContainer, stopTogether } from "./remove.ts";
export { driverName } from "./rootfs.ts";
export { resolveContainer, type Selected, type Selection, selectContainers, type Target } from "./select.ts";
export { sdNotifyMode } from "./service.ts";
export { parseSignal, signalName } from "./signal.ts";
export { type ContainerSize, containerSizes } from "./size.ts";
export { containerSpec, imageSpec } from "./spec-file.ts";
export { type Prepared, prepareStart, type StartOptions } from "./start.ts";
export { type CpuSample, type InterfaceSample, type UsageSample, usageSampler } from "./stats.ts";
export { statusOf, viewOf } from "./status.ts";
export { killContainer, type StopRequest, socketPath, stopContainer, stopToRestart } from "./stop.ts";
export {
  dropStrayRunDirs,
  isPresentProcess,
  isStep,
  ownContainers,
  presentContainers,
  sweepEnded,
  tidyEnded,
} from "./sweep.ts";
export { containerTop, DESCRIPTORS } from "./top.ts";
export { removeTrees } from "./trees.ts";
export { type ConfigChange, changedEnv, updateContainer } from "./update.ts";
export { type ContainerStatus, type ContainerView, isLive, isRunning } from "./view.ts";
export { exportVolume, importVolume } from "./volume-files.ts";
export { removeVolume, volumeByName } from "./volumes.ts";
export { checkConditions, waitForContainer, waitForFirst } from "./wait.ts";
