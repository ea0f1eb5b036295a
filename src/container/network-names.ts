/** --network: which mode a word means, and which networks with what. */
import { UsageError } from "../base/index.ts";
import {
  checkOwnStack,
  DEFAULT_NETWORK,
  isOwnStack,
  parseAddress,
  parseMac,
  requireNetwork,
} from "../network/index.ts";
import type { Context, NetworkAttachment } from "../state/index.ts";
import type { CreateOptions } from "./create-options.ts";
import { resolveContainer } from "./select.ts";

export interface NetworkChoice {
  readonly mode: string;
  readonly networks: readonly NetworkAttachment[];
}

/** Modes that are one word, alone. */
const ALONE = new Set(["host", "none"]);

/** @throws {UsageError} for combinations that mean nothing, NotFoundError for networks that are not there */
export function chooseNetworks(ctx: Context, options: CreateOptions): NetworkChoice {
  const given = options.network ?? [];
  const words = given.length > 0 ? given : [ctx.settings.network];
  if (words.length === 1) {
    const single = singleMode(ctx, words[0]!);
    if (single !== undefined) {
      refuseAddresses(options, single);
      return { mode: single, networks: [] };
    }
  }
  const names = words.flatMap(splitNetworks);
  for (const { name } of names) {
    if (names.length > 1 && (ALONE.has(name) || isOwnStack(name)))
      throw new UsageError(
        "conflicting-networks",
        `cannot set multiple networks without bridge network mode, selected mode ${name}`,
      );
  }
  return { mode: "bridge", networks: applyFlags(options, attachments(ctx, names)) };
}

function singleMode(ctx: Context, word: string): string | undefined {
  const kind = word.split(":", 1)[0]!;
  if (ALONE.has(word)) return word;
  if (kind === "container") {
    const owner = resolveContainer(ctx, word.slice("container:".length));
    // The host's network cannot be entered; one that stays outside is in it.
    return owner.config.network.mode === "host" ? "host" : `container:${owner.id}`;
  }
  if (word === "ns" || word === "ns:")
    throw new UsageError(
      "invalid-namespace",
      "invalid config provided: namespace mode path requires a value",
    );
  if (kind === "ns") return word;
  if (!isOwnStack(kind)) return undefined;
  checkOwnStack(word);
  return word;
}

/** `a,b` is two networks; `a:ip=…,mac=…` is one. */
function splitNetworks(word: string): { name: string; options: string }[] {
  const colon = word.indexOf(":");
  if (colon >= 0) return [{ name: word.slice(0, colon), options: word.slice(colon + 1) }];
  return word.split(",").map((name) => ({ name, options: "" }));
}

function attachments(ctx: Context, names: readonly { name: string; options: string }[]): NetworkAttachment[] {
  const found = new Map<string, NetworkAttachment>();
  for (const { name, options } of names) {
    const network = requireNetwork(ctx, isDefault(name) ? DEFAULT_NETWORK : name);
    // Who calls the default network by podman's name finds it by that name again.
    found.set(network.id, parseOptions(name === "podman" ? name : network.name, options));
  }
  return [...found.values()];
}

function isDefault(name: string): boolean {
  return ["", "default", "private", "bridge"].includes(name);
}

function parseOptions(name: string, text: string): NetworkAttachment {
  let attachment: NetworkAttachment = { name, aliases: [] };
  for (const option of text === "" ? [] : text.split(",")) {
    const [key = "", value = ""] = option.split("=", 2);
    attachment = { ...attachment, ...parseOption(key, value, attachment) };
  }
  return attachment;
}

function parseOption(key: string, value: string, { aliases }: NetworkAttachment): Partial<NetworkAttachment> {
  switch (key) {
    case "ip":
    case "ip6":
      return checkAddress(value);
    case "mac":
      return { mac: checkMac(value) };
    case "alias":
      return { aliases: [...aliases, value] };
    case "interface_name":
      return { interfaceName: checkInterface(value) };
    default:
      throw new UsageError("unknown-network-option", `unknown bridge network option: ${key}`, {
        hint: "Options: ip, ip6, mac, alias, interface_name.",
      });
  }
}

/** An address of either family, in the field of its family. */
export function checkAddress(text: string): Partial<NetworkAttachment> {
  const address = parseAddress(text);
  if (address === undefined)
    throw new UsageError("invalid-address", `${JSON.stringify(text)} is not an ip address`);
  return address.family === 4 ? { ip: text } : { ip6: text };
}

/** The kernel takes neither a group's address nor none for an interface. */
export function checkMac(text: string): string {
  const mac = parseMac(text);
  if (mac === undefined || mac[0]! % 2 === 1 || mac.every((byte) => byte === 0))
    throw new UsageError("invalid-mac", `address ${text}: invalid MAC address`);
  return text.toLowerCase();
}

function checkInterface(text: string): string {
  if (/^[^\s/:]{1,15}$/.test(text) && text !== "." && text !== ".." && text !== "lo") return text;
  throw new UsageError(
    "invalid-interface",
    `cannot name an interface ${JSON.stringify(text)}: names have 1 to 15 characters and no slash`,
  );
}

/** --ip, --ip6 and --mac-address are about the only network; --network-alias is about all. */
function applyFlags(options: CreateOptions, networks: readonly NetworkAttachment[]): NetworkAttachment[] {
  const single: Partial<NetworkAttachment> = {
    ...(options.ip === undefined ? {} : checkAddress(options.ip)),
    ...(options.ip6 === undefined ? {} : checkAddress(options.ip6)),
    ...(options["mac-address"] === undefined ? {} : { mac: checkMac(options["mac-address"]) }),
  };
  if (Object.keys(single).length > 0 && networks.length > 1) {
    throw new UsageError(
      "conflicting-flags",
      "--ip, --ip6 and --mac-address can only be set for a single network",
      { hint: "Write --network NAME:ip=…,mac=… for each network." },
    );
  }
  const aliases = options["network-alias"] ?? [];
  return networks.map((network) => ({ ...network, ...single, aliases: [...network.aliases, ...aliases] }));
}

function refuseAddresses(options: CreateOptions, mode: string): void {
  const flag = ["ip", "ip6", "mac-address"].find((name) => options[name] !== undefined);
  const alias = (options["network-alias"] ?? []).length > 0 ? "network-alias" : undefined;
  const found = flag ?? alias;
  if (found === undefined) return;
  throw new UsageError(
    "conflicting-flags",
    `--${found} can only be used with networks in bridge mode, not with --network ${mode.split(":")[0]}: invalid argument`,
  );
}
