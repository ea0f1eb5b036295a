/** From a container's record to the OCI runtime specification that it runs by. */
import type { RuntimeSpec, SpecIdMapping, SpecLinux, SpecProcess } from "../oci/index.ts";
import type { ContainerConfig } from "../state/index.ts";
import type { RuntimeFacts } from "./facts.ts";
import { resolveCapabilities } from "./spec-capabilities.ts";
import { makeDevices } from "./spec-devices.ts";
import { maskPaths } from "./spec-masks.ts";
import { type BindFiles, type ImageFiles, makeMounts } from "./spec-mounts.ts";
import { hasNamespace, type JoinedNamespaces, makeNamespaces } from "./spec-namespaces.ts";
import { makeOomScore, makeRlimits, makeSysctls } from "./spec-resources.ts";
import { parseSecurityOptions, type SecurityOptions } from "./spec-security.ts";
import { KEEP_GROUPS, type ResolvedUser } from "./user.ts";

export type { BindFiles, ImageFiles } from "./spec-mounts.ts";

export interface SpecInput {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly user: ResolvedUser;
  readonly facts: RuntimeFacts;
  /** `containers/ID`, absolute. */
  readonly containerDir: string;
  readonly files: BindFiles;
  /** Host directories of the named volumes, by name. */
  readonly volumes: ReadonlyMap<string, string>;
  /** Files of the images that are mounted, by destination. */
  readonly images?: ReadonlyMap<string, ImageFiles>;
  /** Namespaces of other containers for `container:ID` modes. */
  readonly joined?: JoinedNamespaces;
  /** Device nodes of the host that the user may open; used with --privileged only. */
  readonly hostDevices?: readonly string[];
  readonly consoleSize?: { readonly height: number; readonly width: number };
}

/** Programs that are an init system when they are PID 1 (--systemd=true). */
const SYSTEMD = ["/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init"];

/**
 * The specification, with podman's defaults for everything the record leaves open.
 *
 * Pure: reads nothing, so equal inputs give equal specs. The seccomp filter is not in it: kelp's own
 * is a compiled table (runtime/seccomp), and a profile file is a matter of lowering.
 *
 * @throws {UsageError} for a combination that cannot be honoured, naming the flag.
 */
export function makeSpec(input: SpecInput): RuntimeSpec {
  const { config, facts } = input;
  const security = parseSecurityOptions(config.securityOpt);
  const namespaces = makeNamespaces(config, input.joined ?? {});
  const mounts = makeMounts({
    config,
    namespaces,
    files: input.files,
    volumes: input.volumes,
    images: input.images ?? new Map(),
    containerDir: input.containerDir,
    facts,
    systemd: runsSystemd(config),
    procOptions: security.procOptions,
  });
  const devices = makeDevices(config.devices, config.privileged ? (input.hostDevices ?? []) : []);
  const hostname = hasNamespace(namespaces, "uts")
    ? { hostname: config.hostname || input.id.slice(0, 12) }
    : {};
  return {
    ociVersion: "1.2.0",
    process: makeProcess(input, security),
    root: { path: "", readonly: config.readOnly },
    ...hostname,
    mounts: [...mounts, ...devices],
    ...annotations(config),
    linux: makeLinux(input, namespaces, security),
  };
}

/** crun's annotation says to it and to us alike that the caller's groups stay. */
export const KEEP_GROUPS_ANNOTATION = "run.oci.keep_original_groups";

function annotations(config: ContainerConfig): Pick<RuntimeSpec, "annotations"> {
  const keep = config.groupAdd.includes(KEEP_GROUPS) ? { [KEEP_GROUPS_ANNOTATION]: "1" } : {};
  const all = { ...config.annotations, ...keep };
  return Object.keys(all).length === 0 ? {} : { annotations: all };
}

/** Lines the user should see about what was changed in what they asked for. */
export function specNotices(input: Pick<SpecInput, "config" | "facts">): string[] {
  const { notice } = makeOomScore(input.config, input.facts);
  return notice === undefined ? [] : [notice];
}

function makeLinux(
  input: SpecInput,
  namespaces: SpecLinux["namespaces"],
  security: SecurityOptions,
): SpecLinux {
  const { config } = input;
  const masks = maskPaths({ ...security, privileged: config.privileged });
  const sysctl = makeSysctls(config.sysctls, namespaces);
  const resources = Object.keys(config.resources).length === 0 ? {} : { resources: config.resources };
  return {
    namespaces,
    ...(Object.keys(sysctl).length === 0 ? {} : { sysctl }),
    ...(config.ownIds === undefined
      ? {}
      : { uidMappings: config.ownIds.uid.map(specMapping), gidMappings: config.ownIds.gid.map(specMapping) }),
    maskedPaths: masks.masked,
    readonlyPaths: masks.readonly,
    rootfsPropagation: "rslave",
    ...resources,
  };
}

function specMapping(range: { container: number; host: number; size: number }): SpecIdMapping {
  return { containerID: range.container, hostID: range.host, size: range.size };
}

function makeProcess(input: SpecInput, security: SecurityOptions): SpecProcess {
  const { config, user, facts } = input;
  const { score } = makeOomScore(config, facts);
  return {
    terminal: config.tty,
    ...(input.consoleSize === undefined ? {} : { consoleSize: input.consoleSize }),
    user: {
      uid: user.uid,
      gid: user.gid,
      umask: parseUmask(config.umask),
      ...(user.groups.length === 0 ? {} : { additionalGids: user.groups }),
    },
    args: [...config.entrypoint, ...config.command],
    env: processEnv(input),
    cwd: config.workdir || "/",
    capabilities: resolveCapabilities({
      add: config.capAdd,
      drop: config.capDrop,
      privileged: config.privileged,
      uid: user.uid,
      lastCap: facts.lastCap,
    }),
    rlimits: makeRlimits(config.ulimits, facts),
    noNewPrivileges: security.noNewPrivileges,
    ...(score === undefined ? {} : { oomScoreAdj: score }),
  };
}

/** The record's variables, and HOME and HOSTNAME where they are not among them. */
function processEnv(input: SpecInput): string[] {
  const env = [...input.config.env];
  const has = (name: string) => env.some((entry) => entry.startsWith(`${name}=`));
  if (!has("HOME")) env.push(`HOME=${input.user.home}`);
  if (!has("HOSTNAME") && input.config.namespaces.uts !== "host") {
    env.push(`HOSTNAME=${input.config.hostname || input.id.slice(0, 12)}`);
  }
  if (runsSystemd(input.config)) env.push(`container_uuid=${uuid(input.id)}`);
  return env;
}

/** An ID's first 32 digits, as which systemd takes them for a machine's. */
function uuid(id: string): string {
  return id.slice(0, 32);
}

/** Octal digits; the default is 0022. */
export function parseUmask(text: string): number {
  return text === "" ? 0o022 : Number.parseInt(text, 8) & 0o777;
}

/** Whether the container's first process is to find what systemd needs as PID 1. */
export function runsSystemd(config: ContainerConfig): boolean {
  if (config.systemd === "always") return true;
  if (config.systemd !== "true") return false;
  const program = [...config.entrypoint, ...config.command][0] ?? "";
  return SYSTEMD.includes(program) || program === "systemd" || program.endsWith("/systemd");
}
