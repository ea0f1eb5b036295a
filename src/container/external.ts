/** Containers of an OCI runtime: its bundle, the plan around it, and more processes in it. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { KelpError } from "../base/index.ts";
import { containerRunDir, ensureDir, readIfExists, writeFileAtomic } from "../host/index.ts";
import type { RuntimeSpec, SpecProcess } from "../oci/index.ts";
import {
  bundleFile,
  configText,
  execLog,
  explainRuntimeExec,
  type LowerInput,
  lowerExternal,
  lowerExternalExec,
  mountedRootfs,
  type OciRuntime,
  ociConfig,
  ociProcess,
  ociSeccomp,
  type Plan,
  type RuntimePlace,
  runtimeExec,
} from "../runtime/index.ts";
import type { ContainerConfig, Context, RootfsSource } from "../state/index.ts";
import { helperEnvironment } from "./helper-env.ts";

type ExecInput = Omit<Parameters<typeof lowerExternalExec>[0], "argv" | "env">;

/** The bundle is the container's directory in the runtime directory, which is memory: config.json has the environment. */
export function runtimePlace(ctx: Context, id: string): RuntimePlace {
  return { id, stateDir: join(ctx.paths.runtime, "oci"), bundle: containerRunDir(ctx.paths, id) };
}

/** config.json as the runtime gets it. */
export function bundleConfig(
  config: ContainerConfig,
  input: { readonly spec: RuntimeSpec; readonly rootfs: RootfsSource; readonly singleId: boolean },
): RuntimeSpec {
  const { spec, rootfs, singleId } = input;
  return ociConfig({
    spec,
    root: mountedRootfs(rootfs),
    seccomp: ociSeccomp(spec, config),
    singleId,
    networkIsReady: true,
  });
}

/** Writes the bundle; the plan has its runtime make, start and delete the container. */
export function externalPlan(
  ctx: Context,
  config: ContainerConfig & { readonly runtime: OciRuntime },
  id: string,
  input: LowerInput,
): Plan {
  const place = runtimePlace(ctx, id);
  ensureDir(place.stateDir);
  for (const stale of [bundleFile.log(place), bundleFile.pid(place)]) rmSync(stale, { force: true });
  const { spec, rootfs, maps, health } = input;
  writeFileAtomic(
    bundleFile.config(place),
    configText(bundleConfig(config, { spec, rootfs, singleId: maps.single })),
  );
  const write = (name: string, process: SpecProcess) => writeProcess(join(place.bundle, name), process);
  return lowerExternal({
    ...input,
    runtime: config.runtime,
    place,
    env: helperEnvironment(ctx),
    ...(health === undefined ? {} : { checkFile: write("check.json", health.process) }),
    ...(health?.startup === undefined ? {} : { startupFile: write("startup.json", health.startup) }),
  });
}

function writeProcess(path: string, process: SpecProcess): string {
  writeFileAtomic(path, configText(ociProcess(process)));
  return path;
}

/** The plan of `exec`; the process's description lies beside the plan and goes with it. */
export function externalExecPlan(
  ctx: Context,
  runtime: OciRuntime,
  id: string,
  planPath: string,
  input: ExecInput,
): Plan {
  const file = writeProcess(processFile(planPath), input.process);
  const argv = runtimeExec(runtime, runtimePlace(ctx, id), file, input.keepFds);
  return lowerExternalExec({ ...input, argv, env: helperEnvironment(ctx) });
}

/** After it: whether there ever was a process that the status could be of. */
export function externalExecError(runtime: OciRuntime, planPath: string): KelpError | undefined {
  return explainRuntimeExec(runtime.path, readIfExists(execLog(processFile(planPath))) ?? "");
}

function processFile(planPath: string): string {
  return planPath.replace(/\.plan$/, ".json");
}
