/** Network and limits, in words. */
import { cgroupSettings } from "../../runtime/index.ts";
import type { PortMapping } from "../../state/index.ts";
import type { Preview } from "./preview.ts";

const MODES: Readonly<Record<string, string>> = {
  none: "none but its own loopback",
  private: "none but its own loopback",
  host: "this machine's own: its ports are the machine's, and so is its loopback",
};

export function networkWords({ config: { network, sysctls } }: Preview): string[] {
  const settings = Object.entries(sysctls).map(([key, value]) => `kernel parameter ${key} = ${value}`);
  if (network.mode !== "bridge") {
    const shared = network.mode.startsWith("container:")
      ? `that of container ${network.mode.slice(10, 22)}`
      : undefined;
    const at = network.mode.startsWith("ns:") ? `the namespace at ${network.mode.slice(3)}` : undefined;
    return [MODES[network.mode] ?? shared ?? at ?? network.mode, ...settings];
  }
  const joined = network.networks.map(({ name, ip, aliases }) => {
    const address = ip === undefined ? "an address that is free at the start" : `address ${ip}`;
    return `on network ${name}, with ${address}${aliases.length === 0 ? "" : `, also called ${aliases.join(" ")}`}`;
  });
  const names = network.dns.length === 0 ? [] : [`name servers: ${network.dns.join(" ")}`];
  return [...joined, ...network.ports.map(portWords), ...names, ...settings];
}

function portWords({ hostIp, hostPort, containerPort, protocol, range }: PortMapping): string {
  const span = (port: number) => (range > 1 ? `${port}-${port + range - 1}` : String(port));
  const where = hostIp === "" || hostIp === "0.0.0.0" ? "on every address of this machine" : `at ${hostIp}`;
  const from = hostPort === 0 ? "a free port" : `port ${span(hostPort)}`;
  return `${from} ${where} leads to its port ${span(containerPort)} (${protocol})`;
}

export function limitWords({ config, spec, refused }: Preview): string[] {
  const settings = config.cgroups === "disabled" ? [] : cgroupSettings(config.resources);
  const limits = (spec.process.rlimits ?? []).map(({ type, soft, hard }) => {
    const number = (value: number) => (value < 0 ? "unlimited" : String(value));
    const both = soft === hard ? number(soft) : `${number(soft)}, up to ${number(hard)} if it asks`;
    return `each process: ${type.replace("RLIMIT_", "").toLowerCase()} ${both}`;
  });
  const score = spec.process.oomScoreAdj;
  return [
    ...(config.cgroups === "disabled" ? ["no control group, hence no limits (--cgroups=disabled)"] : []),
    ...settings.map(
      ({ file, value, origin }) =>
        `the whole container${refused.length > 0 ? " would get" : ""}: ${file} = ${value} [${origin}]`,
    ),
    ...limits,
    ...(score === undefined ? [] : [`out-of-memory score adjusted by ${score}`]),
  ];
}
