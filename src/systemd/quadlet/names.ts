/** Names: of quadlet files, of the services made from them, and of what those services make. */

export const QUADLET_TYPES = ["container", "volume", "network", "image", "build"] as const;
export type QuadletType = (typeof QUADLET_TYPES)[number];

/** Types that podman has and kelp has not, with the reason. */
export const REFUSED_TYPES: Readonly<Record<string, string>> = {
  pod: "kelp has no pods",
  kube: "kelp does not play Kubernetes files",
  artifact: "kelp has no artifacts",
};

/** The section of a file that is quadlet's. */
export const TYPE_SECTIONS: Readonly<Record<QuadletType, string>> = {
  container: "Container",
  volume: "Volume",
  network: "Network",
  image: "Image",
  build: "Build",
};

/** The word before the first dot from the end; undefined for a file that is no quadlet. */
export function quadletType(name: string): QuadletType | undefined {
  return QUADLET_TYPES.find((type) => name.endsWith(`.${type}`) && name.length > type.length + 1);
}

/** `foo@bar.container` is the instance `bar` of `foo@`; `foo@.container` the template itself. */
export interface NameParts {
  readonly base: string;
  readonly isTemplated: boolean;
  /** Empty for the template. */
  readonly instance: string;
}

export function nameParts(name: string): NameParts {
  const stem = name.slice(0, name.lastIndexOf("."));
  const at = stem.indexOf("@");
  return at < 0
    ? { base: stem, isTemplated: false, instance: "" }
    : { base: stem.slice(0, at), isTemplated: true, instance: stem.slice(at + 1) };
}

/** `foo.service`, `foo-volume@.service`. @param asked ServiceName=, which takes the place of base and suffix */
export function serviceName(name: string, type: QuadletType, asked: string | undefined): string {
  const { base, isTemplated, instance } = nameParts(name);
  const stem = asked ?? (type === "container" ? base : `${base}-${type}`);
  return isTemplated && !stem.includes("@") ? `${stem}@${instance}.service` : `${stem}.service`;
}

/** What a service makes is called that unless the file says otherwise; the instance is the referring service's. */
export function resourceName(name: string): string {
  const { base, isTemplated, instance } = nameParts(name);
  return isTemplated ? `systemd-${base}-${instance || "%i"}` : `systemd-${base}`;
}
