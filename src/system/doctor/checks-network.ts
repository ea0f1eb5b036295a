/** The way out, ports and ping. */
import { install, sysctl } from "./distribution.ts";
import type { DoctorFacts } from "./facts.ts";
import { advice, type Check, problem } from "./finding.ts";

/** Older ones lack the sandbox, or have known holes. */
const OLDEST_SLIRP: readonly [number, number] = [1, 0];

function uplink({ programs: { slirp4netns, pasta }, family }: DoctorFacts) {
  const costs = "containers reach one another, but nothing outside, unless they use --network host";
  if (slirp4netns === undefined && pasta?.serves === true)
    return advice(
      "slirp4netns is not installed: pasta is used in its place",
      "containers on networks of their own reach the outside more slowly by one connection",
      install(family, "slirp4netns"),
    );
  if (slirp4netns === undefined)
    return problem("slirp4netns is not installed", costs, install(family, "slirp4netns"));
  const version = /(\d+)\.(\d+)/.exec(slirp4netns.version);
  const [major, minor] = [Number(version?.[1] ?? OLDEST_SLIRP[0]), Number(version?.[2] ?? OLDEST_SLIRP[1])];
  if (major > OLDEST_SLIRP[0] || (major === OLDEST_SLIRP[0] && minor >= OLDEST_SLIRP[1])) return undefined;
  return problem(`slirp4netns ${slirp4netns.version} is too old`, costs, install(family, "slirp4netns"));
}

function tun({ devices }: DoctorFacts) {
  if (devices.tun === "ok") return undefined;
  return problem(
    `/dev/net/tun ${devices.tun === "missing" ? "is missing" : "cannot be opened"}`,
    "containers reach one another, but nothing outside, unless they use --network host",
    devices.tun === "missing" ? "sudo modprobe tun" : "sudo chmod 666 /dev/net/tun",
  );
}

function ping({ pingGroups: [first, last] }: DoctorFacts) {
  // Group 0 of a container is the user's own; the range counts the host's numbers.
  if (first <= last) return undefined;
  return advice(
    "nobody may open ping sockets",
    "ping in containers works as their root only",
    ...sysctl("net.ipv4.ping_group_range", "0 2147483647"),
  );
}

export const NETWORK_CHECKS: readonly Check[] = [
  { name: "uplink", about: "containers can reach the outside", look: uplink },
  { name: "tun-device", about: "/dev/net/tun can be opened", look: tun },
  {
    name: "pasta",
    about: "--network pasta can be had",
    look: ({ programs, family }) =>
      programs.pasta !== undefined
        ? undefined
        : advice("pasta is not installed", "--network pasta is refused", install(family, "passt")),
  },
  {
    name: "names",
    about: "networks have a name server",
    look: ({ programs, family }) =>
      programs.aardvarkDns !== undefined
        ? undefined
        : advice(
            "aardvark-dns is not installed",
            "names of containers are in their /etc/hosts only, which programs that ask name servers themselves do not read",
            install(family, "aardvark-dns"),
          ),
  },
  {
    name: "low-ports",
    about: "ports below 1024 can be published",
    look: ({ firstPort, uid }) =>
      firstPort <= 80 || uid === 0
        ? undefined
        : advice(
            `ports below ${firstPort} are for root`,
            "--publish 80:80 and 443:443 are refused; publish higher ones",
            ...sysctl("net.ipv4.ip_unprivileged_port_start", "80"),
          ),
  },
  { name: "ping", about: "containers can ping", look: ping },
];
