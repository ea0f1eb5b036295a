/** The topics of `kelp help`; each is loaded when it is asked for. */
import type { Topic } from "./topic.ts";

export type { Topic, TopicSection, Verbatim } from "./topic.ts";

interface TopicEntry {
  readonly summary: string;
  load(): Promise<Topic>;
}

export const TOPICS: Readonly<Record<string, TopicEntry>> = {
  design: {
    summary: "How kelp works, and what that means for those who use it",
    load: async () => (await import("./design.ts")).DESIGN,
  },
  "exit-status": {
    summary: "What kelp's exit status says",
    load: async () => (await import("./exit-status.ts")).EXIT_STATUS_TOPIC,
  },
  filters: {
    summary: "What --filter knows, by listing",
    load: async () => (await import("./filters.ts")).FILTERS,
  },
  formats: {
    summary: "What --format knows: JSON, tables and Go templates",
    load: async () => (await import("./formats.ts")).FORMATS,
  },
  platforms: {
    summary: "Images for other architectures",
    load: async () => (await import("./platforms.ts")).PLATFORMS,
  },
  settings: {
    summary: "Configuration files, variables and options",
    load: async () => (await import("./settings.ts")).settingsTopic(),
  },
  uninstall: {
    summary: "How kelp is installed, updated and removed",
    load: async () => (await import("./uninstall.ts")).UNINSTALL,
  },
};
