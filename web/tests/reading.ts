/** A book of ann's, and news as it comes. */

import { Book, NOTHING_KEPT, type Kept } from "../src/model/book.ts";
import type { News } from "../src/model/news.ts";
import type { Conversation, Key } from "../src/model/shapes.ts";
import type { Answer, Entry, EntryBody, LogState, Request } from "../src/protocol/messages.ts";

export function state(log: string, cursor: number, head: number, marker = 0): LogState {
  return { kind: "log_state", log, cursor, head, marker, notify: "" };
}

/** What somebody else has said, unless another `body` or `author` is given. */
export function entry(
  log: string,
  sequence: number,
  body: EntryBody | string,
  author = "bob",
): Entry {
  return {
    kind: "entry",
    log,
    sequence,
    at_ms: 1_000 * sequence,
    author,
    body: typeof body === "string" ? said(log, body) : body,
    edited: 0,
    reactions: new Map(),
  };
}

function said(log: string, text: string): EntryBody {
  return log.startsWith("#")
    ? { kind: "message_posted", text, reply_to: 0, bot: false }
    : { kind: "private_message_sent", to: "ann", text, reply_to: 0, twin: 0, bot: false };
}

export function begun(logs: readonly LogState[], sinceMs = 1): News {
  return { type: "begun", name: "ann", guest: false, standing: "account", sinceMs, logs };
}

export class Reading {
  readonly book: Book;

  constructor(logs = [state("#den", 0, 0), state("@ann", 0, 0)], kept: Kept = NOTHING_KEPT) {
    this.book = new Book("ann", kept);
    this.begin(logs);
  }

  begin(logs: readonly LogState[], sinceMs = 1): void {
    this.book.apply(begun(logs, sinceMs), 0);
  }

  hear(log: string, sequence: number, body: EntryBody | string, author = "bob"): void {
    this.book.apply({ type: "entry", entry: entry(log, sequence, body, author), missed: false }, 0);
  }

  answer(
    request: Partial<Request> & Pick<Request, "kind">,
    answer: Partial<Answer>,
    number = 0,
  ): void {
    const by = number ? { number } : { tab: "", call: 0 };
    const whole = { request: request as Request, answer: answer as Answer };
    this.book.apply({ type: "answered", ...whole, by }, 0);
  }

  say(key: Key, text: string, number: number): void {
    this.book.say({ number, key, text, replyTo: 0, atMs: 900, trouble: "" });
  }

  at(key: Key): Conversation {
    return this.book.conversation(key, { kept: false, hasDraft: false }, 0);
  }

  counts(key: Key): readonly [unread: number, mentions: number] {
    const { unread, mentions } = this.at(key);
    return [unread, mentions];
  }
}
