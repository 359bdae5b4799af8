/**
 * The open conversation: reads pages of it from the store, and from the server what is not there,
 * and makes the window of them. What comes meanwhile is not lost: a page may have been read before.
 */

import type { Book } from "../model/book.ts";
import { conversationOf, NOTICES, RecentChanges } from "../model/entries.ts";
import type { News } from "../model/news.ts";
import type { Item, Key } from "../model/shapes.ts";
import { unreadCount } from "../model/unread.ts";
import {
  amended,
  appended,
  emptyWindow,
  extended,
  Items,
  prepended,
  WINDOW_ITEMS,
  type Window,
} from "../model/window.ts";
import { isChange } from "../protocol/message_fold.ts";
import type { Entry, History } from "../protocol/messages.ts";
import type { Extent } from "../storage/ledger.ts";
import type { Page, Store } from "../storage/store.ts";

/** With one reading. */
const PAGE = 100;
/** The most that a server gives at once. */
const SERVER_PAGE_MAX = 200;
/** Pages in a row without anything to read, as where somebody reacts to everything. */
const EMPTY_PAGES_MAX = 10;
/** After every sequence. */
const END = Number.MAX_SAFE_INTEGER;

const NOT_WHOLE: Page = { entries: [], extent: undefined, cursors: {} };

type Change = (window: Window) => Window;

export interface Sources {
  readonly store: Store;
  book(): Book;
  /** Of the server; rejects where that is not to be had. */
  history(key: Key, before: number | undefined, limit: number): Promise<History>;
  /** Once all that has come so far is in the store. */
  committed(): Promise<void>;
  changed(): void;
}

export class OpenTimeline {
  window: Window = emptyWindow("");
  readonly #sources: Sources;
  readonly #recent = new RecentChanges();
  readonly #items = new Items();
  /** What has come to the open conversation while its window is read. */
  #arrived: Entry[] = [];
  /** Counts openings: a page that was asked for by an earlier one is not wanted any more. */
  #turn = 0;
  /** The last sequence that the user had before them. */
  #readUpTo = 0;
  /** The last one that was there to be had: what has come since the last drawing is not yet. */
  #drawnUpTo = 0;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  items(): readonly Item[] {
    const book = this.#sources.book();
    this.#drawnUpTo = this.window.entries.at(-1)?.sequence ?? 0;
    return this.#items.of(this.window, book.waiting, book);
  }

  /** What is known of people has changed. */
  forgetItems(): void {
    this.#items.forget();
  }

  // --- Where to look -----------------------------------------------------------------------------

  async open(key: Key, around?: number): Promise<void> {
    // Who goes to a message of the same conversation has not come to it anew: the line stays.
    if (around !== undefined && key === this.window.key) return this.look(around);
    const { unread } = this.#sources.book().at(key);
    await this.#show(emptyWindow(key, unreadCount(unread) > 0 ? unread.marker : 0), around);
  }

  /** The same conversation, elsewhere. */
  async look(around?: number): Promise<void> {
    await this.#show(
      { ...emptyWindow(this.window.key), unreadAfter: this.window.unreadAfter },
      around,
    );
  }

  /** The end is before the user's eyes. */
  read(): void {
    if (this.window.followsEnd) this.#readUpTo = this.window.entries.at(-1)?.sequence ?? 0;
  }

  markedUnread(after: number): void {
    this.#put({ ...this.window, unreadAfter: after });
  }

  async #show(window: Window, around: number | undefined): Promise<void> {
    const turn = (this.#turn += 1);
    this.#arrived = [];
    // What is shown stays until there is something else to show, if it is of the same conversation.
    const isSame = this.window.key === window.key;
    this.#put(isSame ? { ...this.window, loading: true } : window);
    try {
      await this.#sources.committed();
      let shown =
        around === undefined ? await this.#end(window) : await this.#around(window, around);
      if (turn !== this.#turn) return;
      for (const entry of this.#arrived) shown = appended(shown, entry, true);
      this.#put({ ...shown, loading: false });
    } catch (error) {
      if (turn === this.#turn) this.#put({ ...this.window, loading: false });
      throw error;
    }
    const isShort = this.window.entries.length < PAGE / 2;
    if (isShort && this.window.moreBefore) await this.loadOlder();
  }

  async #end(window: Window): Promise<Window> {
    const { entries, extent } = await this.#before(window.key, END, PAGE);
    if (!extent) {
      // A room that the user is not in: what comes to it does not come here.
      const history = await this.#sources.history(window.key, undefined, PAGE);
      return prepended(window, this.#recent.readable(history.entries), history.more);
    }
    return prepended(window, entries, hasMore(entries, extent));
  }

  async #around(window: Window, sequence: number): Promise<Window> {
    const { key } = window;
    const before = await this.#before(key, sequence + 1, PAGE);
    if (before.extent && sequence >= before.extent.first) {
      const after = await this.#from(key, sequence + 1);
      const shown = prepended(window, before.entries, hasMore(before.entries, before.extent));
      return extended(shown, this.#recent.readable(after.entries), after.entries.length < PAGE);
    }
    const history = await this.#sources.history(key, sequence + PAGE, SERVER_PAGE_MAX);
    const shown = prepended(window, this.#recent.readable(history.entries), history.more);
    return { ...shown, followsEnd: false };
  }

  // --- More of it --------------------------------------------------------------------------------

  async loadOlder(): Promise<void> {
    await this.#load(async ({ key, entries: [oldest] }) => {
      const first = oldest?.sequence ?? END;
      const { entries, extent } = await this.#before(key, first, PAGE);
      if (entries.length && extent) {
        const more = hasMore(entries, extent);
        return (window) => prepended(window, entries, more);
      }
      // Notices are in no conversation that the server could be asked for.
      if ((extent && !extent.more) || key === NOTICES) {
        return (window) => ({ ...window, moreBefore: false });
      }
      return this.#olderOfServer(key, Math.min(first, extent?.first ?? END));
    });
  }

  async #olderOfServer(key: Key, first: number): Promise<Change> {
    let before = first === END ? undefined : first;
    for (let page = 0; page < EMPTY_PAGES_MAX; page += 1) {
      const history = await this.#sources.history(key, before, PAGE);
      const entries = this.#recent.readable(history.entries);
      if (entries.length || !history.more) {
        return (window) => prepended(window, entries, history.more);
      }
      before = history.entries[0]?.sequence;
    }
    return (window) => window;
  }

  async loadNewer(): Promise<void> {
    await this.#load(async ({ key, entries: shown }) => {
      const last = shown.at(-1)?.sequence ?? 0;
      const { entries, extent } = await this.#from(key, last + 1);
      if (extent && last + 1 >= extent.first) {
        const reachesEnd = entries.length < PAGE;
        return (window) => extended(window, this.#recent.readable(entries), reachesEnd);
      }
      return this.#newerOfServer(key, last, extent);
    });
  }

  async #newerOfServer(key: Key, last: number, extent: Extent | undefined): Promise<Change> {
    const { head } = this.#sources.book().at(key);
    for (let width = SERVER_PAGE_MAX; ; width *= 2) {
      const before = last + 1 + width;
      const history = await this.#sources.history(key, before, SERVER_PAGE_MAX);
      const newer = history.entries.filter((entry) => entry.sequence > last);
      const entries = this.#recent.readable(newer);
      // Of a conversation that comes here by itself the rest is in the store.
      const reachesEnd = !extent && before > head;
      if (entries.length || before > head) return (window) => extended(window, entries, reachesEnd);
    }
  }

  /** The first message at or after that time, by halving; undefined if there is none. */
  async sequenceAt(key: Key, atMs: number): Promise<number | undefined> {
    const { extent } = await this.#before(key, END, 1);
    const newest = extent ? undefined : await this.#sources.history(key, undefined, 1);
    let low = 1;
    let high = Math.max(this.#sources.book().at(key).head, newest?.entries.at(-1)?.sequence ?? 0);
    let found: number | undefined;
    while (low <= high) {
      const middle = Math.floor((low + high) / 2);
      const entry = await this.#lastUpTo(key, middle, extent);
      if (entry && entry.at_ms >= atMs) {
        found = entry.sequence;
        high = entry.sequence - 1;
      } else low = middle + 1;
    }
    return found;
  }

  async #lastUpTo(
    key: Key,
    sequence: number,
    extent: Extent | undefined,
  ): Promise<Entry | undefined> {
    if (extent && sequence >= extent.first) {
      const reading = this.#sources.store.before(key, sequence + 1, 1);
      const { entries } = await this.#whole(key, sequence, reading);
      if (entries[0]) return entries[0];
    }
    const history = await this.#sources.history(key, sequence + 1, 1);
    return history.entries.at(-1);
  }

  /** The window may change while a page of it is read, so that the page is put to what it is then. */
  async #load(read: (window: Window) => Promise<Change>): Promise<void> {
    const turn = this.#turn;
    if (this.window.loading) return;
    this.#put({ ...this.window, loading: true });
    let change: Change = (window) => window;
    try {
      await this.#sources.committed();
      change = await read(this.window);
    } finally {
      if (turn === this.#turn) this.#put({ ...change(this.window), loading: false });
    }
  }

  /** A page of the store; the extent is undefined of what does not come here by itself. */
  async #before(
    key: Key,
    sequence: number,
    limit: number,
  ): Promise<{ entries: readonly Entry[]; extent: Extent | undefined }> {
    const { continuity } = this.#sources.book();
    const known = continuity.cursor(key);
    const reading = this.#sources.store.before(key, sequence, limit);
    const page = await this.#whole(key, sequence - 1, reading);
    const entries = this.#recent.readable(page.entries);
    if (page.extent) return { entries, extent: page.extent };
    if (!continuity.cursors.has(continuity.logOf(key))) return { entries, extent: undefined };
    const first = page === NOT_WHOLE ? known + 1 : continuity.first(key);
    return { entries, extent: { first, entries: 0, more: first > 1 } };
  }

  #from(key: Key, sequence: number): Promise<Page> {
    return this.#whole(key, END, this.#sources.store.from(key, sequence, PAGE));
  }

  /** What is read of the store, up to `last`, if all of that is there which has come by now. After its
   * data were cleared, or since the disk is full, the server must be asked. */
  async #whole(key: Key, last: number, reading: Promise<Page>): Promise<Page> {
    const { continuity } = this.#sources.book();
    const known = Math.min(last, continuity.cursor(key));
    const page = await reading.catch(() => NOT_WHOLE);
    // The server has no pages of notices.
    const isWhole = key === NOTICES || known <= (page.cursors[continuity.logOf(key)] ?? 0);
    return isWhole ? page : NOT_WHOLE;
  }

  // --- What happens ------------------------------------------------------------------------------

  hear(news: News): void {
    if (news.type === "entry") this.#hearEntry(news.entry);
  }

  /** The book was read anew from the store; what of it was missed here is there. */
  readAnew(): void {
    this.#items.forget();
    const { followsEnd, key, loading } = this.window;
    if (key && followsEnd && !loading) this.look().catch(() => undefined);
  }

  /** The log goes on elsewhere, and what is shown does not go before it. */
  startAnew(): void {
    this.look().catch(() => undefined);
  }

  #hearEntry(entry: Entry): void {
    if (isChange(entry.body)) {
      this.#recent.keep(entry);
      this.#arrived = this.#arrived.map((each) => amendedEntry(each, entry));
      const window = amended(this.window, entry);
      if (window !== this.window) this.#put(window);
      return;
    }
    const { book } = this.#sources;
    const key = conversationOf(entry, book().me);
    if (key !== this.window.key) return;
    if (this.window.loading) this.#arrived.push(entry);
    const isEndRead = this.#drawnUpTo - this.#readUpTo < WINDOW_ITEMS / 2;
    this.#put(appended(this.window, entry, isEndRead));
  }

  #put(window: Window): void {
    this.window = window;
    this.#sources.changed();
  }
}

function amendedEntry(entry: Entry, by: Entry): Entry {
  return amended({ ...emptyWindow(""), entries: [entry] }, by).entries[0] ?? entry;
}

function hasMore(entries: readonly Entry[], extent: Extent): boolean {
  const first = entries[0];
  return extent.more || (first !== undefined && first.sequence > extent.first);
}
