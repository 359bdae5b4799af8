/** Which messages notify a user who looks elsewhere, and when. Plain data: views show it. */

import type { Entry } from "../protocol/messages.ts";
import type { Book } from "./book.ts";
import { conversationOf, itemOf } from "./entries.ts";
import type { Conversation, Item, Key } from "./shapes.ts";

/** Between two notifications: what comes meanwhile is told as one. */
const INTERVAL_MS = 2_000;
/** What was missed comes all at once, and is told when no more of it came for so long. */
const MISSED_WAIT_MS = 1_000;
/** Of a text so much is shown. */
const BODY_CHARS_MAX = 200;

/** What to tell the user, all of it as one; `conversation` is where to look. */
export interface Told {
  readonly conversation: Conversation;
  /** The last one of them. */
  readonly item: Item;
  /** How many there are, and in how many conversations. */
  readonly count: number;
  readonly conversations: number;
}

interface Waiting {
  readonly key: Key;
  readonly item: Item;
}

export class Notifying {
  #waiting: Waiting[] = [];
  #dueMs = 0;
  #notBeforeMs = 0;

  /** Once the book has it; `isLookedAt` says whether the user sees a conversation. */
  hear(
    book: Book,
    entry: Entry,
    missed: boolean,
    nowMs: number,
    isLookedAt: (key: Key) => boolean,
  ): void {
    const key = conversationOf(entry, book.me);
    if (key === undefined || isLookedAt(key)) return;
    const item = itemOf(entry, book, "");
    if (!isTold(conversationIn(book, key), item) || !isUnread(book, key, item)) return;
    this.#waiting.push({ key, item });
    this.#dueMs = Math.max(this.#notBeforeMs, nowMs + (missed ? MISSED_WAIT_MS : 0));
  }

  /** The user looks at it now. */
  forget(key: Key): void {
    this.#waiting = this.#waiting.filter((each) => each.key !== key);
  }

  /** When to call `take`; undefined while there is nothing to tell. */
  get dueMs(): number | undefined {
    return this.#waiting.length ? this.#dueMs : undefined;
  }

  take(book: Book, nowMs: number): Told | undefined {
    if (!this.#waiting.length || nowMs < this.#dueMs) return undefined;
    // In the meantime some of it may have been read elsewhere, or deleted.
    const waiting = this.#waiting.filter(({ key, item }) => isUnread(book, key, item));
    this.#waiting = [];
    const last = waiting.at(-1);
    if (!last) return undefined;
    this.#notBeforeMs = nowMs + INTERVAL_MS;
    return {
      conversation: conversationIn(book, last.key),
      item: { ...last.item, text: shortened(last.item.text) },
      count: waiting.length,
      conversations: new Set(waiting.map(({ key }) => key)).size,
    };
  }
}

/** As the user wants it of this conversation: usually what mentions the user. */
export function isTold(conversation: Conversation, item: Item): boolean {
  const mentions = conversation.kind === "notices" || (item.type === "said" && item.mentionsMe);
  if (item.type === "said" && item.mine) return false;
  switch (conversation.notify) {
    case "nothing":
      return false;
    case "all":
      return mentions || item.type === "said";
    case "mentions":
      return mentions;
  }
}

function conversationIn(book: Book, key: Key): Conversation {
  return book.conversation(key, { kept: false, hasDraft: false }, 0);
}

function isUnread(book: Book, key: Key, item: Item): boolean {
  return book.at(key).unread.after.includes(item.sequence);
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > BODY_CHARS_MAX ? `${line.slice(0, BODY_CHARS_MAX - 1)}…` : line;
}
