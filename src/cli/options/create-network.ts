/** Flags of create and run about the network. */
import type { OptionTable } from "../command.ts";
import { NO_LINK_LOCAL } from "./reasons.ts";

export const NETWORK_OPTIONS = {
  "add-host": { kind: "list", value: "NAME[;NAME…]:IP", text: "Line in the container's /etc/hosts" },
  dns: {
    kind: "list",
    comma: true,
    value: "IP|none",
    text: "Name server; none: the image's own resolv.conf",
  },
  "dns-option": {
    kind: "list",
    comma: true,
    aliases: ["dns-opt"],
    value: "OPTION",
    text: "Option for name resolution",
  },
  "dns-search": { kind: "list", comma: true, value: "DOMAIN", text: "Domain to search names in" },
  expose: {
    kind: "list",
    comma: true,
    value: "PORT[/PROTOCOL]",
    text: "Ports the container is known to listen on",
  },
  "hosts-file": {
    kind: "string",
    value: "FILE",
    text: "What the container's /etc/hosts begins with: a path, image or none",
    completes: "file",
  },
  ip: { kind: "string", value: "ADDRESS", text: "IPv4 address of the container" },
  ip6: { kind: "string", value: "ADDRESS", text: "IPv6 address of the container" },
  "link-local-ip": {
    kind: "list",
    comma: true,
    hidden: true,
    value: "ADDRESS",
    text: "Link-local addresses; docker has it",
    unsupported: NO_LINK_LOCAL,
  },
  "mac-address": {
    kind: "string",
    value: "ADDRESS",
    text: "Hardware address of the container",
  },
  network: {
    kind: "list",
    aliases: ["net"],
    value: "MODE",
    text: "Networks to be on (NAME[:ip=…,mac=…,alias=…]), or none, host, container:NAME, ns:PATH",
    completes: "network",
  },
  "network-alias": {
    kind: "list",
    comma: true,
    value: "NAME",
    text: "Further name of the container on its networks",
  },
  "no-hostname": { kind: "boolean", text: "Leave the image's /etc/hostname alone" },
  "no-hosts": { kind: "boolean", text: "Leave the image's /etc/hosts alone" },
  publish: {
    kind: "list",
    comma: true,
    short: "p",
    value: "[[IP:]HOST:]PORT",
    text: "Make a port of the container reachable at the host",
  },
  "publish-all": {
    kind: "boolean",
    short: "P",
    text: "Make all exposed ports reachable at random ports",
  },
} as const satisfies OptionTable;
