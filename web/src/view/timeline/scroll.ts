/**
 * Holds a timeline's scroll: the one place that moves it. Rows may change, come and go above and
 * below, the page may be resized: what is seen stays where it is, unless the end is followed.
 */

import { signal, type ReadonlySignal } from "@preact/signals";

import { anchorOf, correctionPx, firstWhere, type Anchor, type Extent } from "./anchor.ts";

export interface Scroll {
  /** The end is seen, and what is newly said will be. */
  readonly atEnd: ReadonlySignal<boolean>;
  /** The keys of the first and last row that are seen. */
  readonly seen: ReadonlySignal<readonly [first: string, last: string]>;
  /** Puts everything back in its place; to be called when rows have been drawn anew. */
  restore(): void;
  /** Forgets what was held: the rows are of something else now, and their end is shown. */
  reset(): void;
  /** At once, or as soon as the window has it. */
  toEnd(): void;
  /** Brings a row into sight: to the middle, or no further than it must. */
  reveal(key: string, how: "middle" | "nearest"): void;
  page(pages: number): void;
  dispose(): void;
}

/** Space between a row that was brought into sight and the edge. */
const MARGIN_PX = 24;

/**
 * `list` holds the rows, elements with `data-row`, and is inside of `scroller`. `isWholeEnd` says
 * whether the last of them is the newest that there is; `moved` is called after each move.
 */
export function holdScroll(
  scroller: HTMLElement,
  list: HTMLElement,
  isWholeEnd: () => boolean,
  moved: () => void,
): Scroll {
  let anchor: Anchor = "end";
  /** The end was asked for, and is not in the window yet. */
  let wantsEnd = false;
  /** What was set last: the scroll event that it causes changes no anchor, so nothing adds up. */
  let setPx = -1;
  const atEnd = signal(true);
  const seen = signal<readonly [string, string]>(["", ""]);

  const rows = (): readonly HTMLElement[] => [...list.children] as HTMLElement[];
  const keyOf = (row: HTMLElement | undefined): string => row?.dataset["row"] ?? "";
  const toEndPx = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
  /** Lines above the text may come and go: its own top is what the reader's eye holds. */
  const topOf = (row: HTMLElement, viewPx: number) =>
    (row.lastElementChild ?? row).getBoundingClientRect().top - viewPx;

  function extents(): Extent[] {
    const all = rows();
    const viewPx = scroller.getBoundingClientRect().top;
    const heightPx = scroller.clientHeight;
    const bottomOf = (row: HTMLElement) => row.getBoundingClientRect().bottom - viewPx;
    const first = firstWhere(all.length, (at) => bottomOf(all[at] as HTMLElement) > 0);
    const found: Extent[] = [];
    for (const row of all.slice(first)) {
      const topPx = topOf(row, viewPx);
      if (topPx >= heightPx) break;
      found.push({ key: keyOf(row), topPx, bottomPx: bottomOf(row) });
    }
    return found;
  }

  function look(): void {
    const found = extents();
    anchor = anchorOf(found, scroller.clientHeight, toEndPx(), isWholeEnd());
    tell(found);
  }

  function tell(found: readonly Extent[]): void {
    atEnd.value = anchor === "end";
    const [first, last] = seen.peek();
    const next = [found[0]?.key ?? "", found.at(-1)?.key ?? ""] as const;
    if (next[0] !== first || next[1] !== last) seen.value = next;
    moved();
  }

  /** Whether there was anything to move. */
  function move(byPx: number): boolean {
    if (Math.abs(byPx) < 0.5) return false;
    scroller.scrollTop += byPx;
    setPx = scroller.scrollTop;
    return true;
  }

  function restore(): void {
    if (wantsEnd && isWholeEnd()) {
      anchor = "end";
      wantsEnd = false;
    }
    const viewPx = scroller.getBoundingClientRect().top;
    const byPx = correctionPx(anchor, toEndPx(), (key) => {
      const row = rowOf(list, key);
      return row === undefined ? undefined : topOf(row, viewPx);
    });
    if (byPx === undefined) look();
    else move(byPx);
    // It followed the end, and there is more below now: what is seen is held instead.
    if (anchor === "end" && !isWholeEnd()) look();
    tell(extents());
  }

  function onScroll(): void {
    if (Math.abs(scroller.scrollTop - setPx) < 1) return;
    setPx = -1;
    wantsEnd = false;
    look();
  }

  const observer = new ResizeObserver(restore);
  observer.observe(scroller);
  // Also what stands above and below the rows.
  observer.observe(list.parentElement ?? list);
  scroller.addEventListener("scroll", onScroll, { passive: true });

  return {
    atEnd,
    seen,
    restore,
    reset() {
      anchor = "end";
      wantsEnd = false;
      restore();
    },
    toEnd() {
      wantsEnd = true;
      restore();
    },
    reveal(key, how) {
      const row = rowOf(list, key);
      if (row === undefined) return;
      wantsEnd = false;
      const view = scroller.getBoundingClientRect();
      const place = row.getBoundingClientRect();
      const above = view.top + MARGIN_PX - place.top;
      const below = place.bottom - (view.bottom - MARGIN_PX);
      const toMiddle =
        place.top + Math.min(place.height, view.height) / 2 - (view.top + view.height / 2);
      const toSight = above > 0 ? -above : below > 0 ? Math.min(below, -above) : 0;
      // Whoever is at the end and moves nowhere stays there, though something may have come since.
      if (move(how === "middle" ? toMiddle : toSight)) look();
      else restore();
    },
    page(pages) {
      scroller.scrollTop += pages * scroller.clientHeight;
      look();
    },
    dispose() {
      observer.disconnect();
      scroller.removeEventListener("scroll", onScroll);
    },
  };
}

export function rowOf(list: HTMLElement, key: string): HTMLElement | undefined {
  return list.querySelector<HTMLElement>(`[data-row="${CSS.escape(key)}"]`) ?? undefined;
}
