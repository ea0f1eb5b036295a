/** kelp's packet filters: what leaves is masqueraded, and what is kept apart. Pure. */

import type { NetworkRecord } from "../state/index.ts";
import {
  accept,
  type Chain,
  drop,
  hasConnectionMark,
  hasSocket,
  isForTransparent,
  isReply,
  makeTable,
  masquerade,
  redirect,
  removeTable,
  setConnectionMark,
  setMark,
  toHere,
  toPort,
  via,
} from "./nft.ts";
import { isOn } from "./options.ts";

/** The uplink's interface in the shared namespace. */
export const UPLINK_INTERFACE = "tap0";
/** On answers to what a monitor sends for a published port: they are routed to it. */
const ANSWER = 1;

const LEAVE: Chain = {
  type: "nat",
  hook: "postrouting",
  priority: 100,
  rules: [[...via("oifname", UPLINK_INTERFACE), ...masquerade()]],
};

/**
 * For a new shared namespace. Whatever leaves by the uplink has its address. Monitors connect to containers with their
 * clients' own addresses, so the answers, addressed to somewhere else, have to be recognised: by the socket they are for, as long as
 * there is one (the kernel's memory of connections forgets a datagram after half a minute).
 */
export function makeSharedFilters(): Uint8Array {
  return makeTable("kelp", {
    leave: LEAVE,
    answers: {
      type: "filter",
      hook: "prerouting",
      priority: -150,
      rules: [[...via("iifname", UPLINK_INTERFACE, false), ...isForTransparent(), ...setMark(ANSWER)]],
    },
  });
}

/** For a kernel without socket matches: by marks on connections, so that a late answer to a datagram is lost. */
export function makeFallbackFilters(): Uint8Array {
  return makeTable("kelp", {
    leave: LEAVE,
    forwarded: {
      type: "filter",
      hook: "output",
      priority: -150,
      rules: [[...via("oifname", "lo", false), ...setConnectionMark(ANSWER)]],
    },
    answers: {
      type: "filter",
      hook: "prerouting",
      priority: -150,
      rules: [[...isReply(), ...hasConnectionMark(ANSWER), ...setMark(ANSWER)]],
    },
  });
}

const DNS = { protocols: [17, 6], port: 53 } as const;

/**
 * For networks with a name server of their own: who asks at a bridge where it does not listen (it died a moment ago, cannot be
 * started, or serves UDP only) asks the uplink's instead. Whether it listens is looked at for each question.
 */
export function makeNameFilters(uplinkServer: Uint8Array): Uint8Array {
  return makeTable("kelp-names", {
    names: {
      type: "nat",
      hook: "prerouting",
      priority: -100,
      rules: [
        [...via("iifname", "lo"), ...accept()],
        ...DNS.protocols.flatMap((protocol) => [
          [...toPort(protocol, DNS.port), ...hasSocket(), ...accept()],
          [...toPort(protocol, DNS.port), ...toHere(), ...redirect(uplinkServer)],
        ]),
      ],
    },
  });
}

/** Of a network that is kept apart from the outside (internal) or from its siblings (isolate). */
export function networkFilters(network: NetworkRecord): Uint8Array | undefined {
  const { bridge } = network;
  const open = network.internal ? [] : via("oifname", UPLINK_INTERFACE, false);
  const openBack = network.internal ? [] : via("iifname", UPLINK_INTERFACE, false);
  if (!network.internal && !isIsolated(network)) return undefined;
  return makeTable(tableOf(bridge), {
    apart: {
      type: "filter",
      hook: "forward",
      priority: 0,
      rules: [
        [...via("iifname", bridge), ...via("oifname", bridge, false), ...open, ...drop()],
        [...via("oifname", bridge), ...via("iifname", bridge, false), ...openBack, ...drop()],
      ],
    },
  });
}

export function isIsolated({ options }: NetworkRecord): boolean {
  return options.isolate === "strict" || isOn(options.isolate);
}

export function removeNetworkFilters(bridge: string): Uint8Array {
  return removeTable(tableOf(bridge));
}

function tableOf(bridge: string): string {
  return `kelp-${bridge}`;
}
