/** The specification as an OCI runtime reads it: config.json of a bundle, and the process of an exec. */
import type { RuntimeSpec, SpecMount, SpecProcess, SpecSeccomp } from "../../oci/index.ts";

export interface ConfigInput {
  readonly spec: RuntimeSpec;
  /** Where the root filesystem is, absolute or beneath the bundle. */
  readonly root: string;
  readonly seccomp: SpecSeccomp | undefined;
  /** Only one id is mapped: the terminals' group does not exist. */
  readonly singleId: boolean;
  /** The runtime finds itself in the container's network; otherwise it makes or joins it. */
  readonly networkIsReady: boolean;
}

/**
 * The standard form of what `lowerSpec` takes: fields that only kelp gives a meaning to are left out, and what kelp does
 * itself around the runtime (limits in the cgroup, a `:U` volume's owner) is not asked for twice.
 */
export function ociConfig(input: ConfigInput): RuntimeSpec {
  const { spec } = input;
  const { resources: _limits, sysctl = {}, ...linux } = spec.linux;
  const kept = Object.entries(sysctl).filter(([key]) => !input.networkIsReady || !isNetworkSetting(key));
  return {
    ...spec,
    // Everything in it is that old, and runtimes refuse versions younger than themselves.
    ociVersion: "1.0.2",
    process: ociProcess(spec.process),
    root: { path: input.root, readonly: spec.root.readonly },
    mounts: spec.mounts.map((mount) => ownerMount(ociMount(mount, input.singleId), spec)),
    linux: {
      ...linux,
      namespaces: linux.namespaces.filter(({ type }) => !input.networkIsReady || type !== "network"),
      ...(kept.length === 0 ? {} : { sysctl: Object.fromEntries(kept) }),
      ...(input.seccomp === undefined ? {} : { seccomp: input.seccomp }),
    },
  };
}

/** The capabilities' names and the rest of a process are the specification's own already. */
export function ociProcess(process: SpecProcess): SpecProcess {
  return { ...process, cwd: process.cwd || "/" };
}

export function isNetworkSetting(key: string): boolean {
  return key.startsWith("net.") || key.startsWith("net/");
}

function ociMount(mount: SpecMount, singleId: boolean): SpecMount {
  const options = mount.options.filter(
    (word) => word !== "U" && !(singleId && mount.type === "devpts" && word.startsWith("gid=")),
  );
  if (mount.type === "cgroup2") return { ...mount, type: "cgroup", options };
  if (mount.type === "overlay")
    return { ...mount, source: "overlay", options: [...options, "userxattr", "nosuid", "nodev"] };
  return { ...mount, options };
}

/**
 * A fresh sysfs belongs to whoever owns the network, which a user namespace of the container's does not where the network
 * was made before it.
 */
function ownerMount(mount: SpecMount, { linux }: RuntimeSpec): SpecMount {
  if (mount.type !== "sysfs" || linux.uidMappings === undefined) return mount;
  return { ...mount, type: "bind", source: "/sys", options: ["rbind", ...mount.options] };
}

const UNLIMITED = "18446744073709551615";

/** JSON with the specification's largest number, which JavaScript's cannot hold. */
export function configText(value: unknown): string {
  return `${JSON.stringify(value, null, 2).replace(/"(soft|hard)": -1(?=[,\n])/g, `"$1": ${UNLIMITED}`)}\n`;
}
