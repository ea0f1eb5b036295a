/** Commands that podman or docker has and kelp does not, for a reason that is worth more than "unrecognized command". A noun stands for all below it. */
const NO_PODS =
  "kelp has no pods; containers share namespaces with --network container:NAME, --ipc and --pid";
const NO_KUBE = "kelp has no pods, so it reads and writes no Kubernetes YAML";
const NO_SWARM = "kelp runs containers on this machine only";
const NO_SERVICE = "kelp has no service to talk to";
const NO_SIGNING = "kelp makes no signatures; policy.json says what is trusted";

export const NOT_OURS: Readonly<Record<string, string>> = {
  artifact: "kelp keeps images only; oras moves other artifacts",
  "buildx bake": "builds are described by Dockerfiles",
  "buildx create": "builds run in kelp itself",
  "buildx imagetools": "use kelp manifest",
  "buildx inspect": "builds run in kelp itself",
  "buildx ls": "builds run in kelp itself",
  "buildx rm": "builds run in kelp itself",
  "buildx use": "builds run in kelp itself",
  checkpoint: "freezing processes to disk needs root",
  compose: "use podman-compose or another tool that calls the command line",
  "config create": "kelp has no swarm; a file is mounted with --volume, a secret with --secret",
  "config inspect": "kelp has no swarm",
  "config ls": "kelp has no swarm",
  "config rm": "kelp has no swarm",
  "container checkpoint": "freezing processes to disk needs root",
  "container cleanup": "a container's end needs nobody to clean up after it",
  "container restore": "freezing processes to disk needs root",
  "container runlabel": "an image's labels are not run; kelp inspect shows them",
  context: NO_SERVICE,
  farm: NO_SWARM,
  "generate kube": NO_KUBE,
  "generate spec": "use kelp container spec",
  "image scp": "use kelp save IMAGE | ssh HOST kelp load",
  "image sign": NO_SIGNING,
  "image trust": NO_SIGNING,
  kube: NO_KUBE,
  machine: "kelp runs on Linux itself and needs no virtual machine",
  node: NO_SWARM,
  play: NO_KUBE,
  plugin: "kelp has no plugins",
  pod: NO_PODS,
  service: NO_SWARM,
  stack: NO_SWARM,
  swarm: NO_SWARM,
  "system connection": NO_SERVICE,
  "system dial-stdio": NO_SERVICE,
  "system hyperv-prep": "kelp runs on Linux itself and needs no virtual machine",
  "system migrate": "containers run on across an update of kelp",
  "system renumber": "kelp has no numbered locks",
  "system service": NO_SERVICE,
  trust: NO_SIGNING,
  "volume update": NO_SWARM,
};

/** Why kelp lacks the command that these words begin with. */
export function notOurs(
  words: readonly string[],
): { readonly name: string; readonly why: string } | undefined {
  for (let count = 1; count <= words.length; count++) {
    const name = words.slice(0, count).join(" ");
    if (Object.hasOwn(NOT_OURS, name)) return { name, why: NOT_OURS[name] as string };
  }
  return undefined;
}
