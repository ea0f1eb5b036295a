/** A topic as plain text, for `kelp help TOPIC`. */
import type { Topic, TopicSection } from "./topic.ts";

const WIDTH = 78;

export function topicText({ name, page, summary, sections }: Topic): string {
  const manual = page === undefined ? "" : ` (${page.name}(${page.section}))`;
  return `${name}: ${summary}${manual}\n${sections.map(sectionText).join("")}`;
}

function sectionText({ title, body }: TopicSection): string {
  let text = `\n${title}\n`;
  for (const item of body) {
    if (typeof item === "string") text += `${fill(item, "  ")}\n`;
    else if ("lines" in item) text += `${item.lines.map((line) => `      ${line}`.trimEnd()).join("\n")}\n`;
    else text += `${fill(item[0], "  ", "    ")}\n${fill(item[1], "      ")}\n`;
  }
  return text;
}

/** Lines no wider than a terminal, broken between words. */
function fill(text: string, indent: string, further = indent): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    const start = line.trim() === "";
    if (!start && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = further + word;
    } else line += start ? word : ` ${word}`;
  }
  return [...lines, line].join("\n");
}
