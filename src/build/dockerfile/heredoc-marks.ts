/** Where an instruction's text says `<<NAME`. */

import { wordEnd } from "./word-end.ts";

export interface HeredocMark {
  readonly name: string;
  /** `<<-`: tabs at the beginning of lines are dropped. */
  readonly stripTabs: boolean;
  readonly expand: boolean;
}

/** The marks in order. Inside quotes, or written `<<<`, it is none. */
export function heredocMarks(text: string, escapeChar: string): HeredocMark[] {
  return words(text, escapeChar).flatMap((word) => {
    const match = /^\d*<<(-?)([^<]+)$/.exec(word);
    if (match === null) return [];
    const raw = match[2] as string;
    const name = raw.replace(/^(['"])(.*)\1$/, "$2").replaceAll(escapeChar, "");
    return name === "" || /['"\s]/.test(name)
      ? []
      : [{ name, stripTabs: match[1] === "-", expand: name === raw }];
  });
}

/** At blanks outside quotes; nothing is removed. */
function words(text: string, escapeChar: string): string[] {
  const found: string[] = [];
  for (let start = 0; start < text.length; ) {
    start += /^\s*/.exec(text.slice(start))?.[0].length ?? 0;
    const end = wordEnd(text, start, escapeChar);
    if (end > start) found.push(text.slice(start, end));
    start = Math.max(end, start + 1);
  }
  return found;
}
