/** kelp.toml(5), made from the tables of the configuration. */
import {
  CONFIG_VARIABLE,
  DEFAULTS,
  KEY_TEXTS,
  KEYS,
  type KeyDef,
  LEFT_TO_PODMAN,
  OUTER,
} from "../../config/index.ts";
import type { Topic, TopicSection } from "./topic.ts";

const KIND_WORDS: Readonly<Record<KeyDef["kind"], string>> = {
  string: "text",
  path: "an absolute path",
  boolean: "true or false",
  integer: "a whole number",
  bytes: 'a size, "64m"',
  strings: "a list of texts",
  lists: "a table of lists",
};

export function settingsTopic(): Topic {
  return {
    name: "settings",
    summary: "Configuration files, variables and options",
    page: { name: "kelp.toml", section: 5 },
    sections: [FILES, EXAMPLE, OUTER_SECTION, ...Object.keys(KEYS).map(keySection), LEFT],
  };
}

const FILES: TopicSection = {
  title: "Files",
  body: [
    "kelp needs no configuration. Where there is one, files are read in this order, and a later one wins:",
    [
      "/usr/share/containers/containers.conf, /etc/containers/containers.conf, ~/.config/containers/containers.conf",
      "podman's files, each followed by the *.conf files of the directory of its name with .d behind it, in the order of their names. CONTAINERS_CONF names a file that stands instead of all of them. Keys that say nothing to kelp are passed over (see below).",
    ],
    [
      "/etc/kelp/config.toml",
      "kelp's own, of the administrator. A key that is not in the list below is a mistake here, and said.",
    ],
    [
      "~/.config/kelp/config.toml",
      `The user's own. --config FILE, or ${CONFIG_VARIABLE}, names a file that stands instead of it. (This is the one option without a key: it says where keys are.)`,
    ],
    ["CONTAINERS_CONF_OVERRIDE", "names a file that is read last."],
    "A list replaces what earlier files said, unless {append = true} is among its items: then it is added, and so are those of the files after it, until one says {append = false}. `kelp config` shows every value and who set it.",
  ],
};

const EXAMPLE: TopicSection = {
  title: "Example",
  body: [
    {
      lines: [
        "[containers]",
        'env = ["LANG=C.UTF-8", {append = true}]',
        "pids_limit = 500",
        "",
        "[storage]",
        'root = "/scratch/me/kelp"',
      ],
    },
  ],
};

const OUTER_SECTION: TopicSection = {
  title: "Variables and options",
  body: [
    "These settings can be made by an environment variable and by a global option as well. A variable is stronger than the files, an option stronger than the variable.",
    ...Object.entries(OUTER).map(
      ([setting, { env, flag }]) => [`${flag}, ${env.join(", ")}`, `${keyOf(setting)}`] as const,
    ),
    [`--config, ${CONFIG_VARIABLE}`, "the file instead of the user's own"] as const,
  ],
};

function keyOf(setting: string): string {
  for (const [section, keys] of Object.entries(KEYS))
    for (const [key, def] of Object.entries(keys)) if (def.setting === setting) return `${section}.${key}`;
  return "";
}

function keySection(section: string): TopicSection {
  return {
    title: `[${section}]`,
    body: Object.entries(KEYS[section] ?? {}).map(
      ([key, def]) =>
        [
          `${key} = ${KIND_WORDS[def.kind]}`,
          `${KEY_TEXTS[section]?.[key]}.${defaultWords(def)}${def.ownOnly ? " In kelp's own files only." : ""}`,
        ] as const,
    ),
  };
}

function defaultWords({ setting }: KeyDef): string {
  const value = DEFAULTS[setting];
  if (value === undefined || value === "" || value === false) return "";
  if (typeof value === "object") return "";
  return ` Default: ${value}.`;
}

const LEFT: TopicSection = {
  title: "Left to podman",
  body: [
    "These keys of containers.conf do nothing here, and why:",
    ...LEFT_TO_PODMAN.map(({ keys, why }) => [keys.join(", "), `${why}.`] as const),
  ],
};
