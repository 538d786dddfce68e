/**
 * How well the letters of `needle` are found in order in `text`; null when they are not.
 * Runs of letters and starts of words count more, and so do short texts.
 */
export function fuzzyScore(needle: string, text: string): number | null {
  if (needle === '') return 0;
  const wanted = needle.toLowerCase();
  const lower = text.toLowerCase();
  const whole = lower.indexOf(wanted);
  if (whole >= 0) return 1000 - whole - text.length / 100;
  let score = 0;
  let run = 0;
  let from = 0;
  for (const letter of wanted) {
    if (letter === ' ') continue;
    const at = lower.indexOf(letter, from);
    if (at < 0) return null;
    run = at === from && from > 0 ? run + 1 : 0;
    score += 1 + run * 2 + (at === 0 || /[\s_:./-]/.test(lower[at - 1] ?? '') ? 3 : 0);
    from = at + 1;
  }
  return score - text.length / 100;
}

/** The places in `text` of the letters of `needle` that make it a match, ascending; none where it is not one. */
export function fuzzyPlaces(needle: string, text: string): number[] {
  const wanted = needle.trim().toLowerCase();
  const lower = text.toLowerCase();
  // Some capitals become several letters; then places would be those of another text.
  if (wanted === '' || lower.length !== text.length) return [];
  const whole = lower.indexOf(wanted);
  if (whole >= 0) return Array.from(wanted, (_, at) => whole + at);
  const places: number[] = [];
  let from = 0;
  for (const letter of wanted) {
    if (letter === ' ') continue;
    const at = lower.indexOf(letter, from);
    if (at < 0) return [];
    places.push(at);
    from = at + 1;
  }
  return places;
}

/** Those that match, best first; order is kept among equals. */
export function fuzzyFilter<T>(needle: string, items: readonly T[], text: (item: T) => string): T[] {
  if (needle.trim() === '') return [...items];
  return items
    .map(item => ({ item, score: fuzzyScore(needle.trim(), text(item)) }))
    .filter((found): found is { item: T; score: number } => found.score !== null)
    .sort((a, b) => b.score - a.score)
    .map(found => found.item);
}
