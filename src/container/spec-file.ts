/** `container spec`: config.json, as an OCI runtime takes it. */
import { existsSync } from "node:fs";
import { loadIdMaps } from "../host/index.ts";
import type { RuntimeSpec, SpecMount } from "../oci/index.ts";
import { configText, ociConfig, ociSeccomp } from "../runtime/index.ts";
import { type ContainerConfig, type ContainerRecord, type Context, newId } from "../state/index.ts";
import type { CreateRequest } from "./create-options.ts";
import { plannedConfig } from "./explain/explain.ts";
import { previewContainer } from "./explain/preview.ts";
import { joinedNamespaces } from "./joined.ts";

/** Where a bundle has its root filesystem. */
const ROOT = "rootfs";

/** The configuration of a container, with the files that its last start has made for it. */
export function containerSpec(ctx: Context, record: ContainerRecord): string {
  const { spec } = previewContainer(ctx, record, joinedNamespaces(ctx, record));
  return text(
    record.config,
    withMounts(spec, (mount) => !isOwn(record.id, mount) || existsSync(mount.source)),
  );
}

/** That of an image, as `run` without options would have it: nothing of kelp's is in it. */
export async function imageSpec(ctx: Context, request: CreateRequest): Promise<string> {
  const id = newId();
  const { config } = await plannedConfig(ctx, request, id);
  const { spec } = previewContainer(ctx, { id, config });
  return text(
    config,
    withMounts(spec, (mount) => !isOwn(id, mount)),
  );
}

const isOwn = (id: string, { source }: SpecMount) => source.includes(`/containers/${id}/`);

function withMounts(spec: RuntimeSpec, keep: (mount: SpecMount) => boolean): RuntimeSpec {
  return { ...spec, mounts: spec.mounts.filter(keep) };
}

function text(config: ContainerConfig, spec: RuntimeSpec): string {
  const input = { root: ROOT, seccomp: ociSeccomp(spec, config), singleId: loadIdMaps().single };
  return configText(ociConfig({ spec, ...input, networkIsReady: false }));
}
