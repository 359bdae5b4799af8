/**
 * What is to be kept of news, as operations for a store. Pure: it hears of the same news as the book,
 * and a store commits the operations together with the cursors up to which all is whole. Whatever a
 * crash loses, the server sends again.
 */

import type { State } from "../model/book.ts";
import { Continuity, NOTHING_KNOWN, olderPart, type Known } from "../model/continuity.ts";
import { conversationOf, RecentChanges } from "../model/entries.ts";
import type { News } from "../model/news.ts";
import type { Key } from "../model/shapes.ts";
import type { Entry, History, LogState } from "../protocol/messages.ts";
import { isChange } from "../protocol/message_fold.ts";

/** In all: past it those conversations lose theirs in which nothing was said for longest. */
export const ENTRIES_MAX = 100_000;
/** So many more than there may be, so that not each write has something to forget. */
const EXCESS = ENTRIES_MAX / 10;

/** What is kept of one conversation: all of it from `first` on. */
export interface Extent {
  readonly first: number;
  readonly entries: number;
  /** There is older yet on the server. */
  readonly more: boolean;
}

export type Op =
  | { readonly op: "put"; readonly key: Key; readonly entry: Entry }
  /** Changes a kept message; without a `key` it is some one of the inbox. */
  | { readonly op: "amend"; readonly key: Key | undefined; readonly by: Entry }
  | { readonly op: "forget"; readonly key: Key }
  /** All entries, of all conversations. */
  | { readonly op: "forget_all" };

/** What became of what was in the outbox: done without a `trouble`, else refused for it. */
export interface Settled {
  readonly number: number;
  readonly trouble: string;
}

/** What is committed together. */
export interface Batch {
  readonly ops: readonly Op[];
  readonly known: Known;
  /** By key; undefined for those of which nothing is kept any more. */
  readonly extents: ReadonlyMap<Key, Extent | undefined>;
  readonly states: readonly State[];
  readonly settled: readonly Settled[];
}

/** Where an earlier leader has stopped. */
export interface Position {
  readonly known: Known;
  readonly extents: ReadonlyMap<Key, Extent>;
}

export const NOWHERE: Position = { known: NOTHING_KNOWN, extents: new Map() };

export class Ledger {
  readonly #me: string;
  readonly #continuity: Continuity;
  readonly #extents: Map<Key, Extent>;
  readonly #recent = new RecentChanges();
  #ops: Op[] = [];
  #changed = new Set<Key>();
  #settled: Settled[] = [];
  #moved = false;

  constructor(me: string, position: Position) {
    this.#me = me;
    this.#continuity = new Continuity(me, position.known);
    this.#extents = new Map(position.extents);
  }

  get waits(): boolean {
    return (
      this.#moved || this.#ops.length > 0 || this.#changed.size > 0 || this.#settled.length > 0
    );
  }

  /** What has come since the last call, with `states` of conversations that have changed. */
  take(states: readonly State[]): Batch {
    const batch: Batch = {
      ops: this.#ops,
      known: this.#continuity.known,
      extents: new Map([...this.#changed].map((key) => [key, this.#extents.get(key)])),
      states,
      settled: this.#settled,
    };
    this.#ops = [];
    this.#changed = new Set();
    this.#settled = [];
    this.#moved = false;
    return batch;
  }

  /** What to drop, oldest first, so that the rest is within bounds. */
  excess(lastAtMs: (key: Key) => number): { readonly key: Key; readonly count: number }[] {
    let excess = [...this.#extents.values()].reduce((sum, { entries }) => sum + entries, 0);
    excess -= ENTRIES_MAX;
    if (excess <= EXCESS) return [];
    const drops: { key: Key; count: number }[] = [];
    const oldestFirst = [...this.#extents].sort(
      ([one], [other]) => lastAtMs(one) - lastAtMs(other),
    );
    for (const [key, extent] of oldestFirst) {
      const count = Math.min(excess, extent.entries);
      if (count > 0) drops.push({ key, count });
      excess -= count;
    }
    return drops;
  }

  /** So many were dropped, and `first` is the first one that is still kept; undefined for none. */
  dropped(key: Key, count: number, first: number | undefined): void {
    const extent = this.#extents.get(key);
    if (!extent) return;
    const entries = extent.entries - count;
    this.#put(key, { first: first ?? this.#continuity.cursor(key) + 1, entries, more: true });
  }

  hear(news: News): void {
    switch (news.type) {
      case "entry":
        this.#arrive(news.entry);
        break;
      case "begun":
        this.#begin(news.sinceMs, news.logs);
        break;
      case "answered": {
        const { request, answer, by } = news;
        if ("number" in by) {
          const trouble = answer.kind === "refused" ? answer.reason : "";
          this.#settled.push({ number: by.number, trouble });
        } else if (request.kind === "read_history" && answer.kind === "history") {
          this.#page(request.log, answer, request.before ?? undefined);
        }
        break;
      }
      default:
    }
  }

  #arrive(entry: Entry): void {
    const fit = this.#continuity.arrive(entry);
    if (fit === "known") return;
    if (fit === "anew") this.#startAnew(entry.log, entry.sequence);
    this.#moved = true;
    const key = conversationOf(entry, this.#me);
    if (isChange(entry.body)) {
      this.#recent.keep(entry);
      this.#ops.push({ op: "amend", key, by: entry });
    } else if (key !== undefined) {
      const extent = this.#extentOf(key);
      this.#ops.push({ op: "put", key, entry });
      this.#put(key, { ...extent, entries: extent.entries + 1 });
    }
  }

  /** Only what goes before that which is kept, without a gap, and as far as there is room. */
  #page(key: Key, history: History, before: number | undefined): void {
    const isFollowed = this.#continuity.cursors.has(this.#continuity.logOf(key));
    if (!isFollowed) return;
    const extent = this.#extentOf(key);
    const older = olderPart(history, before, extent.first);
    if (!older) return;
    const entries = this.#recent.readable(older);
    const total = [...this.#extents.values()].reduce((sum, each) => sum + each.entries, 0);
    if (total + entries.length > ENTRIES_MAX) return;
    for (const entry of entries) this.#ops.push({ op: "put", key, entry });
    const first = older[0]?.sequence;
    if (first !== undefined) {
      this.#put(key, { first, entries: extent.entries + entries.length, more: history.more });
    } else if (!history.more) this.#put(key, { ...extent, more: false });
  }

  #begin(sinceMs: number, logs: readonly LogState[]): void {
    const begun = this.#continuity.begin(sinceMs, logs);
    this.#moved = true;
    if (begun.forgetsAll) {
      this.#ops.push({ op: "forget_all" });
      for (const key of this.#extents.keys()) this.#changed.add(key);
      this.#extents.clear();
    }
    for (const key of [...this.#extents.keys()]) {
      if (!key.startsWith("#") || begun.followed.has(key)) continue;
      this.#ops.push({ op: "forget", key });
      this.#extents.delete(key);
      this.#continuity.cursors.delete(key);
      this.#changed.add(key);
    }
    for (const { state } of begun.anew) {
      this.#recent.forget(state.log);
      const isInbox = state.log === this.#continuity.inbox;
      const keys = isInbox
        ? [...this.#extents.keys()].filter((key) => key.startsWith("@"))
        : [state.log];
      for (const key of keys) this.#startAnew(key, state.cursor + 1);
    }
  }

  #startAnew(key: Key, first: number): void {
    if (this.#extents.get(key)?.entries) this.#ops.push({ op: "forget", key });
    this.#put(key, { first, entries: 0, more: first > 1 });
  }

  #extentOf(key: Key): Extent {
    const known = this.#extents.get(key);
    if (known) return known;
    const first = this.#continuity.first(key);
    return { first, entries: 0, more: first > 1 };
  }

  #put(key: Key, extent: Extent): void {
    this.#extents.set(key, extent);
    this.#changed.add(key);
  }
}
