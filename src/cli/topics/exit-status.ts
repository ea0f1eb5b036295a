import { EXIT_STATUS } from "../exit.ts";
import type { Topic } from "./topic.ts";

export const EXIT_STATUS_TOPIC: Topic = {
  name: "exit-status",
  summary: "What kelp's exit status says",
  sections: [
    {
      title: "Exit status",
      body: [
        ...EXIT_STATUS,
        "An error is one line, Error: …, on standard error; standard output has results only.",
      ],
    },
  ],
};
