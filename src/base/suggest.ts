/** For the error of a name that is not there: what may have been meant, else how to find out what there is. */
export function nearHint(
  word: string,
  candidates: readonly string[],
  otherwise?: string,
): { readonly hint?: string } {
  const near = closest(word, candidates);
  if (near !== undefined) return { hint: `did you mean ${near}?` };
  return otherwise === undefined ? {} : { hint: otherwise };
}

/** The candidate nearest to `word` (edit distance, or one it begins), if any is near enough to be meant. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate, bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best !== undefined || word.length < 2) return best;
  return candidates.find((candidate) => candidate.startsWith(word));
}

/** Optimal string alignment distance (a swap of neighbours counts once), given up at `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (previous[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (previous[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (older[j - 2] as number) + 1);
      }
      row.push(cost);
    }
    older = previous;
    previous = row;
  }
  return previous[b.length] as number;
}
