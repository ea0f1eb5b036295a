/** What a start of a container would come to, found out without doing or writing anything. */
import { join } from "node:path";
import { KelpError } from "../../base/index.ts";
import { containerDir, type IdMaps, loadIdMaps, lookupUser } from "../../host/index.ts";
import type { RuntimeSpec } from "../../oci/index.ts";
import {
  type BindFiles,
  hostDevices,
  type JoinedNamespaces,
  makeSpec,
  type ResolvedUser,
  type RuntimeFacts,
  readUserFiles,
  resolveUser,
  runtimeFacts,
  specNotices,
} from "../../runtime/index.ts";
import type { ContainerConfig, ContainerRecord, Context, RootfsSource } from "../../state/index.ts";
import { volumeDir } from "../../volume/index.ts";
import { checkCgroup } from "../cgroup.ts";
import { imageFilesPreview } from "../image-mounts.ts";
import { NO_RESOLV } from "../resolv.ts";
import { layersView } from "../rootfs.ts";
import { completeUsers } from "../user-db.ts";

export interface Preview {
  readonly config: ContainerConfig;
  readonly spec: RuntimeSpec;
  readonly user: ResolvedUser;
  readonly image: { readonly name: string; readonly id: string; readonly layers: number } | undefined;
  readonly maps: IdMaps;
  readonly facts: RuntimeFacts;
  /** Who asks. */
  readonly caller: { readonly name: string; readonly uid: number };
  /** What was asked for and cannot be had here, each with its reason. */
  readonly refused: readonly string[];
  /** Further things worth knowing. */
  readonly notices: readonly string[];
}

/** Namespaces of other containers are named by their mode; where they are matters only to who enters them. */
function somewhere({ namespaces, network, ownIds }: ContainerConfig): JoinedNamespaces {
  const { pid, ipc, uts, cgroup, user } = namespaces;
  const modes = { pid, ipc, uts, cgroup, network: network.mode, ...(ownIds === undefined ? {} : { user }) };
  const joined = Object.entries(modes).filter(([, mode]) => mode.startsWith("container:"));
  return Object.fromEntries(joined.map(([type]) => [type, ""]));
}

/**
 * @param joined where the namespaces of other containers are
 * @throws {UsageError} for what `create` would refuse for good
 */
export function previewContainer(
  ctx: Context,
  { id, config }: Pick<ContainerRecord, "id" | "config">,
  joined: JoinedNamespaces = somewhere(config),
): Preview {
  const image = config.image === "" ? undefined : ctx.state.images.get(config.image);
  const rootfs: RootfsSource =
    config.rootfs === undefined
      ? layersView(ctx, config.layers ?? image?.layers ?? [])
      : { kind: "directory", path: config.rootfs.path, merged: "" };
  const facts = runtimeFacts();
  const users = readUserFiles(rootfs);
  const input = {
    id,
    config,
    user: resolveUser(
      config.user,
      config.groupAdd,
      config.userLines?.none === true ? users : completeUsers(config, users),
    ),
    facts,
    containerDir: containerDir(ctx.paths, id),
    files: ownFiles(ctx, id, config),
    volumes: volumePlaces(ctx, config),
    images: imageFilesPreview(ctx, config.mounts),
    joined,
    ...(config.privileged ? { hostDevices: hostDevices() } : {}),
  };
  const maps = loadIdMaps();
  const uid = process.getuid?.() ?? 0;
  return {
    config,
    spec: makeSpec(input),
    user: input.user,
    image:
      image === undefined ? undefined : { name: config.imageName, id: image.id, layers: image.layers.length },
    maps,
    facts,
    caller: { name: lookupUser(uid)?.name ?? String(uid), uid },
    refused: refusedLimits(ctx, config),
    notices: [
      ...specNotices(input),
      ...(maps.reason === undefined ? [] : [`only one user id: ${maps.reason}`]),
    ],
  };
}

/** Limits are the only thing that depends on where kelp is started from. */
function refusedLimits(ctx: Context, config: ContainerConfig): string[] {
  try {
    checkCgroup(ctx, config);
    return [];
  } catch (error) {
    if (error instanceof KelpError)
      return [
        error.message,
        ...(error.hint === undefined ? [] : [error.hint]),
        "so the container would not be made",
      ];
    throw error;
  }
}

/** The files that a start brings, under the names they will have. */
export function ownFiles(ctx: Context, id: string, { network }: ContainerConfig): BindFiles {
  const file = (name: string) => join(containerDir(ctx.paths, id), name);
  const noHosts = network.noHosts || (network.hostsFile ?? ctx.settings.baseHostsFile) === "image";
  return {
    ...(noHosts ? {} : { hosts: file("hosts") }),
    ...(network.noHostname ? {} : { hostname: file("hostname") }),
    ...(network.dns[0] === NO_RESOLV ? {} : { resolvConf: file("resolv.conf") }),
    containerEnv: file("containerenv"),
  };
}

/** Of volumes that are not there yet, too. */
function volumePlaces(ctx: Context, { mounts }: ContainerConfig): Map<string, string> {
  const names = mounts.flatMap(({ type, source }) =>
    type === "volume" && source !== undefined ? [source] : [],
  );
  return new Map(
    names.map((name) => [
      name,
      ctx.state.volumes.get(name)?.mountpoint ?? join(volumeDir(ctx, name), "_data"),
    ]),
  );
}
