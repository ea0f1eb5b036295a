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

export const FILTER_OPTION = {
  filter: {
    kind: "list",
    short: "f",
    value: "KEY=VALUE",
    text: "Only those this holds for; may be repeated",
  },
} as const satisfies OptionTable;

/** Where -f means --force. */
export const FILTER_LONG_OPTION = {
  filter: { kind: "list", value: "KEY=VALUE", text: "Only those this holds for; may be repeated" },
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
