/** Fields of a specification that holdfast does not carry out are refused by name, never ignored. */
import { HostError } from "../base/index.ts";
import type { RuntimeSpec } from "../oci/index.ts";

/** @throws {HostError} with code `unsupported-spec-field`. */
export function refuseUnsupported(spec: RuntimeSpec): void {
  const { process, linux } = spec;
  const fields: readonly (readonly [string, unknown])[] = [
    ["process.apparmorProfile", process.apparmorProfile],
    ["process.selinuxLabel", process.selinuxLabel],
    ["linux.mountLabel", linux.mountLabel],
    ["linux.personality", linux.personality],
    ["linux.devices", linux.devices?.length ? linux.devices : undefined],
    ["linux.cgroupsPath", linux.cgroupsPath],
    ["linux.seccomp", linux.seccomp],
  ];
  for (const [name, value] of fields) if (value !== undefined) throw refused(name);
  for (const namespace of linux.namespaces) {
    const own = namespace.type === "user" && linux.uidMappings !== undefined;
    if (namespace.type === "time" || (namespace.type === "user" && !own))
      throw refused(`linux.namespaces (${namespace.type})`);
  }
}

function refused(field: string): HostError {
  return new HostError("unsupported-spec-field", `cannot start the container: ${field} is not supported`, {
    hint: "leave out the option that asks for it",
  });
}
