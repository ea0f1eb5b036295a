/** Where the word that begins at `start` ends: at a blank outside quotes. */
export function wordEnd(text: string, start: number, escapeChar: string): number {
  let quote = "";
  for (let index = start; index < text.length; index++) {
    const char = text[index] as string;
    if (char === escapeChar && quote !== "'") index++;
    else if (quote !== "") quote = char === quote ? "" : quote;
    else if (char === "'" || char === '"') quote = char;
    else if (/\s/.test(char)) return index;
  }
  return text.length;
}
