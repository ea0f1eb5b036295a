/** The label by which a container asks to be kept up to date. */
import { UsageError } from "../base/index.ts";
import { tryParseReference } from "../oci/index.ts";
import type { ContainerConfig } from "../state/index.ts";

export const UPDATE_LABEL = "io.containers.autoupdate";
export const AUTHFILE_LABEL = "io.containers.autoupdate.authfile";

export type UpdatePolicy = "registry" | "local";

const POLICIES: Readonly<Record<string, UpdatePolicy | undefined>> = {
  "": undefined,
  disabled: undefined,
  image: "registry",
  local: "local",
  registry: "registry",
};

/** Undefined: it is not to be updated. @throws {UsageError} */
export function updatePolicy(label: string | undefined): UpdatePolicy | undefined {
  if (label === undefined) return undefined;
  if (Object.hasOwn(POLICIES, label)) return POLICIES[label];
  throw new UsageError(
    "invalid-update-policy",
    `invalid auto-update policy ${JSON.stringify(label)}: valid policies are ["disabled" "image" "local" "registry"]`,
  );
}

/** A registry can only be asked about an image whose name says where that is. */
export function checkAutoUpdate({ labels, rawImageName, rootfs }: ContainerConfig): void {
  const label = labels[UPDATE_LABEL];
  if ((label !== "registry" && label !== "image") || rootfs !== undefined) return;
  const transport = /^(docker-archive|docker-daemon|oci|oci-archive|dir|containers-storage):/.exec(
    rawImageName,
  )?.[1];
  if (transport !== undefined) {
    throw new UsageError(
      "update-transport",
      `auto updates require the docker image transport but image is of transport ${JSON.stringify(transport)}`,
    );
  }
  if (tryParseReference(rawImageName.replace(/^docker:\/\//, ""))?.domain === undefined) {
    throw new UsageError(
      "update-short-name",
      `short name: auto updates require fully-qualified image reference: ${JSON.stringify(rawImageName)}`,
    );
  }
}
