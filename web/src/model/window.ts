/**
 * What of the open conversation is at hand: so many entries in a row, and nothing missing between
 * them. It follows the end of the conversation, or stands somewhere before it. Plain values: each
 * change makes another window.
 */

import type { Entry } from "../protocol/messages.ts";
import { foldedEntry, isChange } from "../protocol/message_fold.ts";
import { itemOf, saidAs, type Reader } from "./entries.ts";
import type { Item, Key, Said, Timeline } from "./shapes.ts";
import { rowOf, type Spoken, type Waiting } from "./waiting.ts";

/** Shown at most; more would make the page slow. */
export const WINDOW_ITEMS = 400;

export interface Window {
  readonly key: Key;
  readonly entries: readonly Entry[];
  readonly moreBefore: boolean;
  readonly followsEnd: boolean;
  /** How many are newer than it, as far as is known. */
  readonly newer: number;
  readonly unreadAfter: number;
  readonly loading: boolean;
}

export function emptyWindow(key: Key, unreadAfter = 0): Window {
  return {
    key,
    entries: [],
    moreBefore: true,
    followsEnd: true,
    newer: 0,
    unreadAfter,
    loading: true,
  };
}

/**
 * An entry has come at the end of the conversation. Where somebody reads further up, a window that is
 * full ceases to follow the end, rather than to take away what is read.
 */
export function appended(window: Window, entry: Entry, isEndRead: boolean): Window {
  if (!window.followsEnd) return { ...window, newer: window.newer + 1 };
  const last = window.entries.at(-1);
  if (last && last.sequence >= entry.sequence) return window;
  if (window.entries.length < WINDOW_ITEMS) {
    return { ...window, entries: [...window.entries, entry] };
  }
  if (!isEndRead) return { ...window, followsEnd: false, newer: 1 };
  const entries = [...window.entries.slice(1 - WINDOW_ITEMS), entry];
  return { ...window, entries, moreBefore: true };
}

/** The same window where the entry changes nothing that is in it. */
export function amended(window: Window, by: Entry): Window {
  if (!isChange(by.body)) return window;
  const { sequence } = by.body;
  const message = window.entries.find((entry) => entry.sequence === sequence);
  if (!message || message.log !== by.log) return window;
  const became = foldedEntry(message, by);
  if (became === message) return window;
  return { ...window, entries: window.entries.map((each) => (each === message ? became : each)) };
}

/** A page that ends where the window begins. */
export function prepended(window: Window, older: readonly Entry[], more: boolean): Window {
  const first = window.entries[0]?.sequence ?? Infinity;
  const page = older.filter((entry) => entry.sequence < first);
  const all = [...page, ...window.entries];
  const excess = Math.max(0, all.length - WINDOW_ITEMS);
  return {
    ...window,
    entries: excess ? all.slice(0, WINDOW_ITEMS) : all,
    moreBefore: more,
    followsEnd: window.followsEnd && !excess,
    newer: window.newer + excess,
  };
}

/** A page that begins where the window ends; with `reachesEnd` nothing comes after it. */
export function extended(window: Window, newer: readonly Entry[], reachesEnd: boolean): Window {
  const last = window.entries.at(-1)?.sequence ?? 0;
  const page = newer.filter((entry) => entry.sequence > last);
  const all = [...window.entries, ...page];
  const excess = Math.max(0, all.length - WINDOW_ITEMS);
  return {
    ...window,
    entries: all.slice(excess),
    moreBefore: window.moreBefore || excess > 0,
    followsEnd: reachesEnd,
    newer: reachesEnd ? 0 : Math.max(0, window.newer - page.length),
  };
}

// --- As it is shown ------------------------------------------------------------------------------

interface Made {
  readonly entry: Entry;
  readonly repliedTo: Entry | undefined;
  readonly item: Item;
}

/** Makes items of entries, and the same ones again of those that have not changed. */
export class Items {
  #made = new Map<number, Made>();
  readonly #spoken = new WeakMap<Spoken, Said>();

  of(window: Window, waiting: Waiting, reader: Reader): readonly Item[] {
    const bySequence = new Map(window.entries.map((entry) => [entry.sequence, entry]));
    const made = new Map<number, Made>();
    const items = window.entries.map((entry) => {
      const replyTo = "reply_to" in entry.body ? entry.body.reply_to : 0;
      const repliedTo = replyTo ? bySequence.get(replyTo) : undefined;
      const former = this.#made.get(entry.sequence);
      const isSame = former?.entry === entry && former.repliedTo === repliedTo;
      const item = isSame ? former.item : itemOf(entry, reader, waiting.row(entry), repliedTo);
      made.set(entry.sequence, { entry, repliedTo, item });
      return item;
    });
    this.#made = made;
    if (!window.followsEnd) return items;
    const all = [...items, ...this.#waitingItems(window.key, waiting, reader.me)];
    return all.slice(-WINDOW_ITEMS);
  }

  /** Those of what is said and not in the log, which are the same again, too. */
  #waitingItems(key: Key, waiting: Waiting, me: string): Item[] {
    return waiting.of(key).map(({ spoken, isConfirmed }) => {
      const made = this.#spoken.get(spoken);
      const delivery = isConfirmed ? "done" : spoken.trouble ? "failed" : "pending";
      if (made?.delivery === delivery) return made;
      const item: Said = {
        ...saidAs(spoken.text),
        row: rowOf(spoken),
        atMs: spoken.atMs,
        author: me,
        replyTo: spoken.replyTo,
        mine: true,
        delivery,
        trouble: spoken.trouble,
      };
      this.#spoken.set(spoken, item);
      return item;
    });
  }

  /** What is known of people has changed, and with it perhaps whom a text mentions. */
  forget(): void {
    this.#made.clear();
  }
}

export function timelineOf(window: Window, items: readonly Item[], head: number): Timeline {
  const last = window.entries.at(-1)?.sequence ?? 0;
  // In a room each entry has its number, and none is left out.
  const newer = window.key.startsWith("#") ? Math.max(0, head - last) : window.newer;
  return {
    key: window.key,
    items,
    moreBefore: window.moreBefore,
    moreAfter: !window.followsEnd,
    newer: window.followsEnd ? 0 : newer,
    unreadAfter: window.unreadAfter,
    loading: window.loading,
  };
}
