/**
 * Finds gaps: how far each log is known without one, for the book and for the store under it. Both
 * take the same events and must come to the same result: else one of them would go on where the
 * other has a hole.
 */

import type { Entry, History, LogState } from "../protocol/messages.ts";

/** known: it has come before; anew: the room was joined just there, and what was known of it does
 * not go before. */
export type Fit = "known" | "next" | "anew";

/** A log that does not go on where it was known: what is known of it begins after the cursor. */
export interface Anew {
  readonly state: LogState;
  /** It ends before what was known: it is another log of that name. */
  readonly isAnother: boolean;
}

export interface Begun {
  /** All of it was somebody else's, of the same name. */
  readonly forgetsAll: boolean;
  readonly anew: readonly Anew[];
  /** The user was put out of all other rooms, or has left them on another device. */
  readonly followed: ReadonlySet<string>;
}

export interface Known {
  /** Since when the name is the user's own; 0 while nobody has said. */
  readonly sinceMs: number;
  /** By log: up to where it is known. */
  readonly cursors: Readonly<Record<string, number>>;
  /** From where on the inbox is known whole, whoever it was with. */
  readonly inboxFirst: number;
}

export const NOTHING_KNOWN: Known = { sinceMs: 0, cursors: {}, inboxFirst: 1 };

export class Continuity {
  readonly inbox: string;
  sinceMs: number;
  readonly cursors: Map<string, number>;
  inboxFirst: number;

  /** `me` is the user's own name. */
  constructor(me: string, known: Known = NOTHING_KNOWN) {
    this.inbox = "@" + me;
    this.sinceMs = known.sinceMs;
    this.cursors = new Map(Object.entries(known.cursors));
    this.inboxFirst = known.inboxFirst;
  }

  /** As it is kept. */
  get known(): Known {
    return {
      sinceMs: this.sinceMs,
      cursors: Object.fromEntries(this.cursors),
      inboxFirst: this.inboxFirst,
    };
  }

  /** The log in which a conversation stands. */
  logOf(key: string): string {
    return key.startsWith("#") ? key : this.inbox;
  }

  /** Up to where the log of a conversation is known. */
  cursor(key: string): number {
    return this.cursors.get(this.logOf(key)) ?? 0;
  }

  /** From where on a conversation is known of which nothing is kept, but all that will come. */
  first(key: string): number {
    return key.startsWith("@") ? this.inboxFirst : this.cursor(key) + 1;
  }

  /** Moves the cursor of the entry's log. */
  arrive(entry: Entry): Fit {
    const known = this.cursors.get(entry.log);
    if (known !== undefined && entry.sequence <= known) return "known";
    this.cursors.set(entry.log, entry.sequence);
    if (entry.log === this.inbox) {
      if (known === undefined) this.inboxFirst = entry.sequence;
      return "next";
    }
    return entry.sequence - 1 === known ? "next" : "anew";
  }

  begin(sinceMs: number, logs: readonly LogState[]): Begun {
    const forgetsAll = this.sinceMs !== 0 && sinceMs !== this.sinceMs;
    if (forgetsAll) this.cursors.clear();
    this.sinceMs = sinceMs;
    const anew: Anew[] = [];
    for (const state of logs) {
      const known = this.cursors.get(state.log);
      // The user may have been away from it for too long, or it is another log of that name.
      if (known !== undefined && state.cursor <= known && known <= state.head) continue;
      anew.push({ state, isAnother: known !== undefined && state.head < known });
      this.cursors.set(state.log, state.cursor);
      if (state.log === this.inbox) this.inboxFirst = state.cursor + 1;
    }
    return { forgetsAll, anew, followed: new Set(logs.map((state) => state.log)) };
  }
}

/**
 * The entries of a page that come before what is known, which begins at `first`. The page was asked
 * for `before` a sequence. Undefined if it does not reach up to `first`, so that something would be
 * missing between. Of the newest page, asked for without a `before`, only its last entry can tell:
 * others may have come since.
 */
export function olderPart(
  page: Pick<History, "entries">,
  before: number | undefined,
  first: number,
): readonly Entry[] | undefined {
  const last = page.entries.at(-1);
  const adjoins =
    before === undefined ? last !== undefined && last.sequence >= first - 1 : before >= first;
  return adjoins ? page.entries.filter((entry) => entry.sequence < first) : undefined;
}
