/** Secrets as files: given their owners before they are mounted, gone with the container. */
import type { RuntimeSpec } from "../oci/index.ts";
import { ownUsers } from "./lower-users.ts";
import type { PlanBuilder } from "./plan-builder.ts";

export interface SecretConfig {
  /** The directory of the decrypted files, and a copy of the plan that holds some; both are removed at the end. */
  readonly directory: string;
  readonly plan: string;
  readonly owners: readonly { readonly source: string; readonly uid: number; readonly gid: number }[];
}

export function lowerSecrets(plan: PlanBuilder, spec: RuntimeSpec, secrets: SecretConfig | undefined): void {
  if (secrets === undefined) return;
  const users = ownUsers(spec);
  for (const { source, uid, gid } of secrets.owners) {
    const owner = { uid: users?.uid(uid) ?? uid, gid: users?.gid(gid) ?? gid };
    plan.add("monitor", "setOwner", { path: source, ...owner }, { origin: "--secret" });
  }
  plan.add("finish", "removeFile", { path: secrets.plan }, { origin: "--secret" });
  plan.add("finish", "removeTree", { path: secrets.directory }, { origin: "--secret" });
}
