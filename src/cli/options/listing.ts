/** Flags that listings and commands over several objects share. */
import type { OptionTable } from "../command.ts";

export const FORMAT_OPTION = {
  format: {
    kind: "string",
    value: "FORMAT",
    text: "Print as json or by a Go template",
    completes: ["json", "table"],
  },
} as const satisfies OptionTable;

const STATES = ["created", "exited", "initialized", "paused", "running", "stopped"].map(
  (state) => `status=${state}`,
);
const HEALTH = ["healthy", "none", "starting", "unhealthy"].map((state) => `health=${state}`);
const EVERYWHERE = ["label=", "label!=", "until="];
const YES_NO = (key: string) => [`${key}=true`, `${key}=false`];

/** What can follow --filter, by what is listed; kelp-filters(7). */
export const FILTER_WORDS = {
  containers: [
    ...[
      "ancestor=",
      "before=",
      "command=",
      "exited=",
      "id=",
      "name=",
      "network=",
      "restart-policy=",
      "since=",
      "volume=",
    ],
    ...STATES,
    ...HEALTH,
    ...EVERYWHERE,
  ],
  images: [
    ...["before=", "digest=", "id=", "reference=", "since="],
    ...["containers", "dangling", "intermediate", "readonly"].flatMap(YES_NO),
    ...EVERYWHERE,
  ],
  volumes: [
    ...["after=", "driver=", "name=", "opt=", "scope=local", "since="],
    ...["anonymous", "dangling"].flatMap(YES_NO),
    ...EVERYWHERE,
  ],
  networks: ["driver=", "id=", "name=", ...YES_NO("dangling"), ...EVERYWHERE],
  secrets: ["id=", "name=", "label="],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** --filter over containers; others take `filterOn`. */
export const FILTER_OPTION = {
  filter: {
    kind: "list",
    short: "f",
    value: "KEY=VALUE",
    text: "Only those this holds for; may be repeated",
    completes: FILTER_WORDS.containers,
  },
} as const satisfies OptionTable;

export function filterOn(what: keyof typeof FILTER_WORDS) {
  return { filter: { ...FILTER_OPTION.filter, completes: FILTER_WORDS[what] } };
}

/** Where -f means --force. */
export const FILTER_LONG_OPTION = {
  filter: {
    kind: "list",
    value: "KEY=VALUE",
    text: "Only those this holds for; may be repeated",
    completes: FILTER_WORDS.containers,
  },
} as const satisfies OptionTable;

export const NO_TRUNC_OPTION = {
  "no-trunc": { kind: "boolean", aliases: ["notruncate"], text: "Do not shorten what is printed" },
} as const satisfies OptionTable;

export const QUIET_OPTION = {
  quiet: { kind: "boolean", short: "q", text: "Print IDs only" },
} as const satisfies OptionTable;

export const HEADING_OPTION = {
  noheading: { kind: "boolean", short: "n", text: "Print no line of headings" },
} as const satisfies OptionTable;

/** Where -n means something else. */
export const HEADING_LONG_OPTION = {
  noheading: { kind: "boolean", text: "Print no line of headings" },
} as const satisfies OptionTable;

export const ALL_OPTION = {
  all: { kind: "boolean", short: "a", text: "All containers" },
} as const satisfies OptionTable;

/** Where -a means --attach. */
export const ALL_LONG_OPTION = {
  all: { kind: "boolean", text: "All containers" },
} as const satisfies OptionTable;

export const LATEST_OPTION = {
  latest: { kind: "boolean", short: "l", text: "The container that was made last" },
} as const satisfies OptionTable;

export const CIDFILE_OPTION = {
  cidfile: { kind: "list", value: "FILE", text: "Read a container's ID from a file", completes: "file" },
} as const satisfies OptionTable;
