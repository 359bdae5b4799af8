/** The word that somebody may have meant: as Python's difflib finds it, which the terminal uses. */

const RATIO_MIN = 0.5;

/** The one of `words` that is most like `word`; undefined if none is like it. */
export function mostSimilar(word: string, words: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestRatio = RATIO_MIN;
  for (const other of words) {
    const ratio = (2 * common(other, word)) / (other.length + word.length);
    if (ratio > bestRatio || (ratio === bestRatio && (best === undefined || other > best))) {
      [best, bestRatio] = [other, ratio];
    }
  }
  return best;
}

/** Letters that both have in the same order: the longest run, and the same before and after it. */
function common(a: string, b: string): number {
  let [length, inA, inB] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    for (let j = 0; j < b.length; j += 1) {
      let run = 0;
      while (i + run < a.length && j + run < b.length && a[i + run] === b[j + run]) run += 1;
      if (run > length) [length, inA, inB] = [run, i, j];
    }
  }
  if (length === 0) return 0;
  const before = common(a.slice(0, inA), b.slice(0, inB));
  return before + length + common(a.slice(inA + length), b.slice(inB + length));
}
