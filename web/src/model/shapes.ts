/** What views are given: plain, frozen values. `model/` folds entries into them, `chat.ts` hands them out. */

import type { Entry, Notify } from "../protocol/messages.ts";

/** `#room` or `@name`; the lobby is `#lobby`, what the cluster says to the user `@zchat`. */
export type Key = string;

export type Kind = "lobby" | "room" | "several" | "private" | "notices";

export interface Conversation {
  readonly key: Key;
  readonly kind: Kind;
  /** As people call it: without its `#` or `@`; of several people, the others' names. */
  readonly title: string;
  readonly topic: string;
  /** False for a room that the user has left or never joined, and is looked at all the same. */
  readonly joined: boolean;
  readonly notify: Notify;
  readonly unread: number;
  /** How many of the unread mention the user; all of them in private. */
  readonly mentions: number;
  /** When somebody last said something here, for the order of the list; 0 if never. */
  readonly lastAtMs: number;
  /** The user keeps it at the top of the list. */
  readonly kept: boolean;
  /** Something was written and not sent. */
  readonly hasDraft: boolean;
  /** Who types now, without oneself. */
  readonly typing: readonly string[];
}

/** pending: said here, not confirmed; failed: refused, `trouble` says why. */
export type Delivery = "done" | "pending" | "failed";

export interface Said {
  readonly type: "said";
  /** Stable over the life of the row, from pending to confirmed: what the DOM is keyed by. */
  readonly row: string;
  /** In the log; 0 while it is pending or failed, and such stand at the end. */
  readonly sequence: number;
  readonly atMs: number;
  readonly author: string;
  /** Empty once it was deleted. Of `/me` texts what the author does: `isAction`. */
  readonly text: string;
  readonly isAction: boolean;
  /** The sequence that it answers; 0 for none. `repliedTo` is that message, if it is at hand. */
  readonly replyTo: number;
  readonly repliedTo: { readonly author: string; readonly text: string } | undefined;
  readonly edited: boolean;
  /** Who deleted it; empty if it stands. */
  readonly deletedBy: string;
  /** Names by emoji, in the order of the first of each. */
  readonly reactions: readonly (readonly [emoji: string, names: readonly string[]])[];
  readonly mentionsMe: boolean;
  readonly mine: boolean;
  readonly bot: boolean;
  readonly delivery: Delivery;
  readonly trouble: string;
}

/** Joins, topics, bans, pins: whatever else stands in a log. `text` is its sentence. */
export interface Happened {
  readonly type: "happened";
  readonly row: string;
  readonly sequence: number;
  readonly atMs: number;
  readonly author: string;
  readonly text: string;
  /** People who only come and go are folded into one line by the view. */
  readonly move: "joined" | "left" | undefined;
  readonly entry: Entry;
}

export type Item = Said | Happened;

/** A window of a conversation, at most `WINDOW_ITEMS` of it, in order. */
export interface Timeline {
  readonly key: Key;
  readonly items: readonly Item[];
  /** There is more above (in the store, or on the server), or nothing was ever said before. */
  readonly moreBefore: boolean;
  /** There is more below than the window shows; false: it follows the end. */
  readonly moreAfter: boolean;
  /** How many items are newer than the window: arithmetic, since sequences have no gaps. */
  readonly newer: number;
  /** Where the line "new" stands: above the first item of others past this sequence; fixed when
   * the conversation is opened, 0 for no line. */
  readonly unreadAfter: number;
  readonly loading: boolean;
}

export interface Member {
  readonly name: string;
  readonly role: "owner" | "moderator" | "member";
  readonly online: boolean;
  /** The word said for being away; empty: "away" alone; undefined: here. */
  readonly away: string | undefined;
  readonly muted: boolean;
}

export interface Me {
  readonly name: string;
  readonly guest: boolean;
  readonly standing: "guest" | "account" | "moderator" | "operator";
  readonly away: string | undefined;
}

/** What the line at the bottom says. */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "online"; readonly latencyMs: number | undefined; readonly slowedMs: number }
  /** Nothing is lost: what is said waits. `sinceMs` is the last word that was heard. */
  | {
      readonly state: "offline";
      readonly sinceMs: number;
      readonly retryAtMs: number;
      readonly reason: string;
    }
  /** It ends here until the person does something: banned, logged out elsewhere, too old. */
  | { readonly state: "ended"; readonly code: string; readonly reason: string };
