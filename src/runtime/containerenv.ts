/** The file /run/.containerenv, by which programs recognise that they run in a container. */
import { BUILD } from "../base/index.ts";

/** Empty unless privileged, as podman's is: what it tells would be a leak to an untrusted container. */
export function containerEnvText(input: {
  readonly privileged: boolean;
  readonly name: string;
  readonly id: string;
  readonly image: string;
  readonly imageId: string;
}): string {
  if (!input.privileged) return "";
  return [
    `engine="kelp-${BUILD.version}"`,
    `name="${input.name}"`,
    `id="${input.id}"`,
    `image="${input.image}"`,
    `imageid="${input.imageId}"`,
    "rootless=1",
    "",
  ].join("\n");
}
