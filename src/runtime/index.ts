/**
 * runtime: from a container's record to a running process. Owns the OCI spec, its lowering to a plan,
 * the seccomp filters, holdfast (finding, unpacking, executing it) and what its status files mean.
 *
 * Must not know: the database, images, layers, networks beyond the namespace's mode, the command line.
 */

export { type CgroupSetting, cgroupSettings, type Limits } from "./cgroup-limits.ts";
export { inWords } from "./circumstance.ts";
export { containerEnvText } from "./containerenv.ts";
export { effectiveCapabilities, effectiveLimits } from "./effective.ts";
export { configText, ociConfig, ociProcess } from "./external/config-json.ts";
export { lowerExternalExec } from "./external/lower-exec.ts";
export { type ExternalInput, lowerExternal } from "./external/lower-external.ts";
export {
  bundleFile,
  execLog,
  type OciRuntime,
  type RuntimePlace,
  runtimeExec,
  runtimeKind,
} from "./external/program.ts";
export { type RuntimeFacts, runtimeFacts } from "./facts.ts";
export { explainFailure, explainRuntimeExec, livesElsewhere } from "./failure.ts";
export { publishError } from "./failure-network.ts";
export {
  type HealthResult,
  type HealthState,
  type HealthStatus,
  healthStatus,
  parseHealthLog,
  readHealthLog,
  readHealthState,
} from "./health.ts";
export { holdfastPath } from "./helper.ts";
export { type InsideOptions, kelpCommand, runInside, sweepPlans } from "./inside.ts";
export { answerJob, errorReply, type Job, type JobRequest } from "./job.ts";
export { capturePlan, runPlan, startPlan, writePlan } from "./launch.ts";
export { logLossPath, readLogLoss } from "./log-loss.ts";
export { type LowerInput, lowerSpec } from "./lower.ts";
export { type Amendment, amendPlan } from "./lower-amend.ts";
export { type CgroupConfig, processGroup } from "./lower-cgroup.ts";
export { AMENDED } from "./lower-config.ts";
export { type LowerEnterInput, lowerEnter } from "./lower-enter.ts";
export { type LowerExecInput, lowerExec } from "./lower-exec.ts";
export type { HealthPlan } from "./lower-health.ts";
export {
  lowerConnect,
  lowerReload,
  lowerRemoveBridge,
  type NetworkChangeInput,
} from "./lower-network-change.ts";
export type { NotifyConfig } from "./lower-notify.ts";
export type { RootView } from "./lower-root-view.ts";
export { mountedRootfs, overlayData } from "./lower-rootfs.ts";
export {
  amendMonitor,
  type CheckResult,
  checkHealth,
  MonitorClient,
  type MonitorExit,
  reopenLog,
  retargetPorts,
  type SignalResult,
  sendSignal,
  signalAndWait,
  startHeld,
  type WaitResult,
  waitForExit,
  waitForProcess,
} from "./monitor-client.ts";
export type { ClientConfig, EventPlan, MonitorConfig, RemoveConfig } from "./monitor-config.ts";
export { decodePlan } from "./plan/decode.ts";
export type { Plan } from "./plan/ops.ts";
export { compiledSeccomp } from "./seccomp/index.ts";
export { ociSeccomp } from "./seccomp/oci.ts";
export { refusedGroups } from "./seccomp/words.ts";
export { bindSources, hostDevices, overlayVolumeDirs } from "./sources.ts";
export {
  type BindFiles,
  type ImageFiles,
  makeSpec,
  runsSystemd,
  type SpecInput,
  specNotices,
} from "./spec.ts";
export { defaultCapabilities, mayHave } from "./spec-capabilities.ts";
export { parseDevice } from "./spec-devices.ts";
export { type ExecRequest, makeExecProcess } from "./spec-exec.ts";
export type { JoinedNamespaces } from "./spec-namespaces.ts";
export { applicableSysctls } from "./spec-resources.ts";
export { parseSecurityOptions } from "./spec-security.ts";
export {
  type ExitRecord,
  forgetHolder,
  type LiveState,
  type LiveStatus,
  liveState,
  readExit,
  readStatus,
} from "./status.ts";
export { parseGroup, parsePasswd, type ResolvedUser, resolveUser, type UserFiles } from "./user.ts";
export { isFileInside, readUserFiles } from "./user-files.ts";
