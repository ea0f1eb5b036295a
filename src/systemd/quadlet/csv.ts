/** The words of a --mount, which quotes may hold together. */
export function splitCsvWords(line: string): string[] {
  const words: string[] = [];
  for (const match of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g))
    words.push(match[1] === undefined ? match[2]! : match[1].replaceAll('""', '"'));
  return words.filter((word) => word !== "");
}
