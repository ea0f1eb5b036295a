/**
 * Flags of podman and docker that kelp does not have, by command (the first of its spellings), with the
 * end of `--flag is not supported: …`. Looked at when a flag is unknown, and by the documentation. Flags that
 * may be given with a value that means "off" stand in the command's own table instead, as `unsupported`.
 */

type Reasons = Readonly<Record<string, string>>;

const ONE_PLATFORM = "an image in the store is for one platform, which pull and build choose";
const NO_SBOM = "run the scanner over the finished image";
const BASE_KEEPS = "an image has the labels and annotations of its base and of the Dockerfile";
const OWN_RUNTIME = "RUN steps are run by holdfast";
const NO_ENCRYPTION = "kelp does not read encrypted layers";
const NO_SIGNING = "kelp makes no signatures; sign with skopeo or cosign after the push";
const WINDOWS = "it is for Windows";
const NO_SWARM = "kelp has no swarm";
const NO_CHECKPOINT = "freezing processes to disk needs root";
const OWN_NETWORKS = "a network is a bridge of this user, with one range for each family of addresses";
const PLAIN_VOLUMES = "local volumes are plain directories";
const BUILD_USERNS = "RUN steps have the user namespace that all containers share";

const CREATE: Reasons = {
  "cpu-count": WINDOWS,
  "cpu-percent": WINDOWS,
  domainname: "give --hostname with the domain",
  "io-maxbandwidth": WINDOWS,
  "io-maxiops": WINDOWS,
  isolation: WINDOWS,
  link: "containers of one --network reach each other by name",
  permissive: "there is no other policy to be stricter than",
  "use-api-socket": "kelp has no service to talk to",
  "volume-driver": PLAIN_VOLUMES,
};

export const REFUSED: Readonly<Record<string, Reasons>> = {
  "": {
    "cdi-spec-dir": "kelp does not read CDI files",
    "connection -c": "kelp has no service to talk to",
    "tls-ca": "kelp has no service to talk to",
    "tls-cert": "kelp has no service to talk to",
    "tls-details": "kelp has no service to talk to",
    "tls-key": "kelp has no service to talk to",
  },
  build: {
    "all-platforms": "name the platforms: --platform linux/amd64,linux/arm64",
    "compat-volumes": "what RUN writes to a VOLUME of the image is kept",
    compress: "the context is read where it is, not sent",
    "cpp-flag": "the Dockerfile is not preprocessed; run cpp before",
    "created-annotation": BASE_KEEPS,
    cw: "it is for confidential machines",
    "decryption-key": NO_ENCRYPTION,
    "disable-compression": "layers in the store are never compressed",
    "disable-content-trust": "kelp has no notary; policy.json says what is trusted",
    from: "use an ARG before FROM, and --build-arg",
    "hooks-dir": "no hooks of an OCI runtime are run",
    "identity-label": BASE_KEEPS,
    "inherit-annotations": BASE_KEEPS,
    isolation: "RUN steps run in a container of their own, as rootless as any",
    "layer-label": "images between the steps have no labels",
    logsplit: "a build has one log, --logfile",
    mount: "--volume mounts into every RUN, RUN --mount into one",
    "os-feature": "images are for Linux",
    "os-version": "images are for Linux",
    "rewrite-timestamp": "--timestamp gives every new file that time",
    runtime: OWN_RUNTIME,
    "runtime-flag": OWN_RUNTIME,
    "save-stages": "stages are kept in the build cache; --target makes an image of one",
    sbom: NO_SBOM,
    "sbom-image-output": NO_SBOM,
    "sbom-image-purl-output": NO_SBOM,
    "sbom-merge-strategy": NO_SBOM,
    "sbom-output": NO_SBOM,
    "sbom-purl-output": NO_SBOM,
    "sbom-scanner-command": NO_SBOM,
    "sbom-scanner-image": NO_SBOM,
    "sign-by": NO_SIGNING,
    "skip-unused-stages": "stages that nothing needs are never built",
    "source-policy-file": "registries.conf and policy.json say what images come from where",
    "stage-labels": "stages have no labels",
    stdin: "RUN steps read nothing from the terminal",
    unsetannotation: BASE_KEEPS,
    userns: BUILD_USERNS,
    "userns-gid-map": BUILD_USERNS,
    "userns-gid-map-group": BUILD_USERNS,
    "userns-uid-map": BUILD_USERNS,
    "userns-uid-map-user": BUILD_USERNS,
  },
  cp: {
    "follow-link -L": "links are copied as links; name what they lead to",
  },
  create: CREATE,
  exec: { "no-session": "exec never keeps a session longer than its process" },
  history: { platform: ONE_PLATFORM },
  "image inspect": { platform: ONE_PLATFORM },
  images: { tree: "kelp image tree shows the layers of one" },
  import: { platform: "give --os, --arch and --variant" },
  load: { platform: ONE_PLATFORM },
  "manifest push": { "sign-by-sq-fingerprint": NO_SIGNING },
  "container clone": { pod: "kelp has no pods" },
  "network connect": {
    "driver-opt": OWN_NETWORKS,
    "gw-priority": OWN_NETWORKS,
    link: "containers of one network reach each other by name",
    "link-local-ip": OWN_NETWORKS,
  },
  "network create": {
    attachable: NO_SWARM,
    "aux-address": OWN_NETWORKS,
    "config-from": NO_SWARM,
    "config-only": NO_SWARM,
    ingress: NO_SWARM,
    "ipam-opt": OWN_NETWORKS,
    ipv4: "every network has IPv4",
    scope: "networks are this machine's",
  },
  "network inspect": { "verbose -v": NO_SWARM },
  push: {
    "all-tags -a": "push each name",
    platform: ONE_PLATFORM,
    "sign-by-sq-fingerprint": NO_SIGNING,
  },
  rm: { "link -l": "there are no links; --latest is -l" },
  rmi: { platform: ONE_PLATFORM },
  run: CREATE,
  save: { platform: ONE_PLATFORM },
  "secret create": {
    "driver-opts": "secrets have one driver, without options",
    "template-driver": NO_SWARM,
  },
  start: { checkpoint: NO_CHECKPOINT, "checkpoint-dir": NO_CHECKPOINT },
  "volume create": {
    availability: NO_SWARM,
    gid: "a volume belongs to root of its containers until the first of them fills it",
    group: NO_SWARM,
    "limit-bytes": NO_SWARM,
    "required-bytes": NO_SWARM,
    scope: NO_SWARM,
    secret: NO_SWARM,
    sharing: NO_SWARM,
    "topology-preferred": NO_SWARM,
    "topology-required": NO_SWARM,
    type: NO_SWARM,
    uid: "a volume belongs to root of its containers until the first of them fills it",
  },
  "volume ls": { cluster: NO_SWARM },
};

/** Why a command lacks a flag, by its long name or its letter; undefined where podman and docker lack it as well. */
export function refusalOf(
  command: string,
  flag: string,
): { readonly name: string; readonly why: string } | undefined {
  const reasons = Object.hasOwn(REFUSED, command) ? (REFUSED[command] as Reasons) : {};
  for (const [names, why] of Object.entries(reasons)) {
    const [name = "", letter] = names.split(" ");
    if (flag === `--${name}` || flag === letter) return { name, why };
  }
  return undefined;
}
