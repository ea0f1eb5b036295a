import type { Topic, TopicSection } from "./topic.ts";

type Rows = TopicSection["body"];

const LABEL: Rows = [
  ["label=KEY[=VALUE]", "Has this label. Several: all of them."],
  ["label!=KEY[=VALUE]", "Does not have it. Several: none of them together."],
];
const UNTIL = [
  "until=TIME",
  "Made before this time: RFC 3339, seconds since 1970, or how long ago (10m, 24h).",
] as const;
const DANGLING = "dangling=true|false";

export const FILTERS: Topic = {
  name: "filters",
  summary: "What --filter knows, by listing",
  page: { name: "kelp-filters", section: 7 },
  sections: [
    {
      title: "Rules",
      body: [
        "--filter KEY=VALUE may be repeated. Values of one key are alternatives, unless said otherwise; different keys must all hold.",
      ],
    },
    {
      title: "Containers (ps; and rm, stop, kill, …, container prune)",
      body: [
        ["name=REGEXP", "The name matches the regular expression."],
        ["id=PREFIX", "The ID begins with this, or matches as a regular expression."],
        [
          "status=STATE",
          "created, initialized, running, paused, exited, stopping, stopped, removing or restarting.",
        ],
        ["exited=N", "Ended with this status."],
        ["health=STATE", "healthy, unhealthy, starting or none."],
        ["ancestor=IMAGE", "Made of this image, or of one built on it."],
        ["before=CONTAINER, since=CONTAINER", "Made before or after that one."],
        ["volume=NAME|PATH, network=NAME", "Uses it."],
        ["command=WORD", "The command's first word."],
        ["restart-policy=POLICY, should-start-on-boot=true|false", "How it is restarted."],
        ["pod=NAME", "kelp has no pods: no container matches."],
        ...LABEL,
        UNTIL,
      ],
    },
    {
      title: "Images (images, image prune)",
      body: [
        ["reference=PATTERN, reference!=PATTERN", "The name matches a pattern with * and ?."],
        ["id=PREFIX, digest=DIGEST", "Begins with it."],
        [DANGLING, "Has no name."],
        ["containers=true|false", "Containers use it."],
        ["intermediate=true|false", "Has no name, and other images are built on it."],
        ["readonly=true|false", "Comes from a place that is not written to."],
        ["manifest=true|false", "An index of images; kelp lists images only."],
        ["before=IMAGE, since=IMAGE, after=IMAGE", "Made before or after that one."],
        ...LABEL,
        UNTIL,
      ],
    },
    {
      title: "Volumes (volume ls, volume prune)",
      body: [
        ["name=REGEXP", "The name matches the regular expression."],
        [DANGLING, "No container uses it."],
        ["anonymous=true|false", "Was made for a container without a name."],
        ["all=true", "Named volumes as well as anonymous ones, as --all has it (volume prune)."],
        ["since=VOLUME, after=VOLUME", "Was made after that one."],
        ["driver=NAME, scope=local, opt=KEY[=VALUE]", "Made so."],
        ...LABEL,
        UNTIL,
      ],
    },
    {
      title: "Networks (network ls, network prune)",
      body: [
        ["name=REGEXP, id=PREFIX, driver=NAME", "Is called so, or made so."],
        [DANGLING, "No container uses it."],
        ...LABEL,
        UNTIL,
      ],
    },
    {
      title: "Events (events)",
      body: [
        [
          "container=NAME|ID, image=NAME, volume=NAME, network=NAME, secret=NAME, pod=NAME",
          "Is about this object.",
        ],
        ["type=TYPE", "container, image, volume, network, secret or system."],
        ["event=STATUS, status=STATUS", "Says this: start, died, pull, …"],
        ["label=KEY[=VALUE]", "The object has this label."],
      ],
    },
    {
      title: "Secrets (secret ls)",
      body: [["name=REGEXP, id=PREFIX", "Is called so."], ...LABEL],
    },
  ],
};
