/**
 * What a timeline's scroll holds on to, as arithmetic: the rows that are seen and how far each is
 * from the top. Whatever changes then, above, below or around them, the first of them that is still
 * there is put back to its place. Nothing else moves the scroll.
 */

/** A row's text, in pixels from the top of what is seen. */
export interface Extent {
  readonly key: string;
  readonly topPx: number;
  readonly bottomPx: number;
}

/** "end": it follows what is newly said. */
export type Anchor = "end" | readonly { readonly key: string; readonly topPx: number }[];

/** Somebody who is this close to the end is at it: browsers round. */
export const END_PX = 4;
/** More would be no use: so many rows do not go away at once. */
const KEPT_MAX = 12;

/** `extents` are of all rows that may be seen, in order. */
export function anchorOf(
  extents: readonly Extent[],
  heightPx: number,
  toEndPx: number,
  isWholeEnd: boolean,
): Anchor {
  if (isWholeEnd && toEndPx <= END_PX) return "end";
  const seen = extents.filter((extent) => extent.bottomPx > 0 && extent.topPx < heightPx);
  // One that begins above the top changes its end rather than its begin: it is held second.
  const whole = seen.filter((extent) => extent.topPx >= 0);
  const cut = seen.filter((extent) => extent.topPx < 0);
  return [...whole, ...cut].slice(0, KEPT_MAX).map(({ key, topPx }) => ({ key, topPx }));
}

/** By how much to scroll so that the anchor is where it was; undefined if nothing of it is left. */
export function correctionPx(
  anchor: Anchor,
  toEndPx: number,
  topOf: (key: string) => number | undefined,
): number | undefined {
  if (anchor === "end") return toEndPx;
  for (const { key, topPx } of anchor) {
    const now = topOf(key);
    if (now !== undefined) return now - topPx;
  }
  return undefined;
}

/** The first index in 0..count-1 for which it holds, if it holds for all after it; else count. */
export function firstWhere(count: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
