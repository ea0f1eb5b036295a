/** `network create --opt`. */
import { UsageError } from "../base/index.ts";

const REFUSED: Readonly<Record<string, string>> = {
  vlan: "a user's bridges do not reach the host's networks",
  parent: "a user has no hold on the host's interfaces",
  mode: "there is one kind of bridge",
  vrf: "it belongs to the host's interfaces",
};

/** @throws {UsageError} for options that are unknown, or that a user cannot have */
export function parseNetworkOptions(options: Readonly<Record<string, string>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [given, value] of Object.entries(options)) {
    const key = given === "com.docker.network.driver.mtu" ? "mtu" : given;
    checkOption(key, value);
    result[key] = value;
  }
  return result;
}

function checkOption(key: string, value: string): void {
  const reason = REFUSED[key];
  if (reason !== undefined)
    throw new UsageError("unsupported-network-option", `cannot set network option ${key}: ${reason}`);
  if (key === "mtu") {
    if (/^\d+$/.test(value) && Number(value) >= 68 && Number(value) <= 65535) return;
    throw new UsageError("invalid-mtu", `cannot set mtu ${JSON.stringify(value)}: it must be 68 to 65535`);
  }
  if (key === "isolate" || key === "no_default_route") {
    if (["true", "false", "1", "0", "strict"].includes(value)) return;
    throw new UsageError(
      "invalid-network-option",
      `cannot set ${key} to ${JSON.stringify(value)}: it must be true or false`,
    );
  }
  if (key === "metric") {
    if (/^\d{1,9}$/.test(value)) return;
    throw new UsageError(
      "invalid-network-option",
      `cannot set metric to ${JSON.stringify(value)}: it must be a number`,
    );
  }
  throw new UsageError("unknown-network-option", `unsupported bridge network option ${key}`, {
    hint: "Options: mtu, isolate, no_default_route, metric.",
  });
}

export function isOn(value: string | undefined): boolean {
  return value === "true" || value === "1";
}
