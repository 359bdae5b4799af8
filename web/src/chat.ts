/**
 * What views know of the client: signals to read, and methods that do something. No view knows the
 * socket, the store or the other tabs; `client/` implements this in the leading tab and in those that
 * follow it alike.
 */

import type { ReadonlySignal } from "@preact/signals";

import type { Connection, Conversation, Key, Kind, Me, Member, Timeline } from "./model/shapes.ts";
import type { Answer, AnswerOf, Draft, Notify, RefusalCode } from "./protocol/messages.ts";

/** Why something was not done: `code` for programs, `message` a sentence for people. */
export class RefusedError extends Error {
  constructor(
    readonly code: RefusalCode,
    reason: string,
    readonly retryAfterMs: number,
  ) {
    super(reason);
  }
}

export interface Credentials {
  readonly name: string;
  /** Left out for a guest, and where the browser's cookie is enough. */
  readonly password?: string;
  /** A one-time or recovery code, once the server has asked for it. */
  readonly code?: string;
  /** Where the password is a code of an operator, in the place of a lost one. */
  readonly newPassword?: string;
  /** Make an account of this name. */
  readonly register?: boolean;
  readonly invitation?: string;
  /** Stay logged in on this browser. */
  readonly remember?: boolean;
}

/** Before there is a session: the page asks who one is. */
export interface Door {
  /** Who was here last in this browser and may come back without a password; undefined for nobody. */
  remembered(): Promise<string | undefined>;
  /** Resolves at the first login; rejects with `RefusedError`, and may be called again. With a
   * remembered name it resolves at once, from what the store has, also offline. */
  enter(credentials: Credentials): Promise<Chat>;
}

/** A message, or what happened to the user, that is told aloud by the levels of its conversation. */
export interface Told {
  readonly key: Key;
  readonly kind: Kind;
  readonly title: string;
  readonly sequence: number;
  readonly author: string;
  /** On one line; of an action without its mark. */
  readonly text: string;
}

export interface Chat {
  readonly me: ReadonlySignal<Me>;
  readonly connection: ReadonlySignal<Connection>;
  /** All that are in the list, in its order: kept ones, then by the last word; muted ones last. */
  readonly conversations: ReadonlySignal<readonly Conversation[]>;
  /** Which one is open: set by `open`. */
  readonly opened: ReadonlySignal<Key>;
  /** The window of the open one. */
  readonly timeline: ReadonlySignal<Timeline>;
  /** Of the open room; empty in private. Asked for when a panel shows them (`watchMembers`). */
  readonly members: ReadonlySignal<readonly Member[]>;
  /** Who is online now, for the dots beside names and for completion. */
  readonly online: ReadonlySignal<ReadonlySet<string>>;
  /** Commands said here and not yet confirmed, over all tabs. */
  readonly unconfirmed: ReadonlySignal<number>;
  /** Sentences for the person that belong to no conversation, newest last; views show and drop them. */
  readonly notices: ReadonlySignal<
    readonly { readonly id: number; readonly text: string; readonly bad: boolean }[]
  >;
  dropNotice(id: number): void;

  /** Opens a conversation (a room need not be joined), at its end or around one message. */
  open(key: Key, around?: number): void;
  /** Loads more above or below the window; resolves when `timeline` has it. */
  loadOlder(): Promise<void>;
  loadNewer(): Promise<void>;
  jumpToEnd(): void;
  /** The day's first message at or after that time becomes the middle of the window. */
  jumpToTime(atMs: number): Promise<void>;
  /** The person looks (focused *and* visible) and has the window's end before them. */
  read(): void;
  markUnread(sequence: number): void;
  watchMembers(watching: boolean): void;

  /** Says it: shown at once, kept in the store before it is sent, sent once and in order whatever dies.
   * Resolves when it is in the store. Throws a `RangeError` with a sentence if it can never be sent. */
  say(key: Key, text: string, replyTo?: number): Promise<void>;
  /** Of a failed message: sends it anew, or forgets it. */
  retry(row: string): void;
  giveUp(row: string): void;
  /** Any other command or query, without `id` and `nonce`. Rejects with `RefusedError`. */
  ask<D extends Draft>(draft: D): Promise<AnswerOf<D> & Answer>;

  draft(key: Key): string;
  /** Kept 300 ms after the last change at most, and at once when the page is hidden. */
  keepDraft(key: Key, text: string): void;
  /** At most one a 3 seconds goes out. */
  typing(key: Key): void;

  /** Words of one's own that mention the user as the name does; kept in this browser. */
  readonly highlights: ReadonlySignal<readonly string[]>;
  setHighlights(words: readonly string[]): void;
  /** Calls `hear` once for each message of a browser, in its leading tab alone, as
   * zchat/client/model/notifications.py chooses them; returns what ends it. Whether somebody looks is
   * the business of the view. */
  onTold(hear: (told: Told) => void): () => void;

  keep(key: Key, kept: boolean): void;
  setNotify(key: Key, level: Notify): Promise<void>;
  /** By the permission table of the server, as far as roles are known here; undefined: ask the server. */
  may(action: string, key: Key, item?: { author: string; mine: boolean }): boolean | undefined;

  /** Resolves once this browser has forgotten the user, who has logged out in any of its tabs. */
  readonly gone: Promise<void>;
  /** Sends what waits, forgets this browser (cookie and store), and ends. */
  logOut(everywhere?: boolean): Promise<void>;
}
