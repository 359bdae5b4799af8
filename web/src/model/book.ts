/**
 * The book: what the user's conversations are like, as news has made them. What was said in them is
 * in the store, and in the window of the one that is open. No I/O; an event costs about the same,
 * however much there is.
 */

import type {
  Answer,
  ConversationList,
  Entry,
  LogState,
  LogStateChanged,
  Notify,
  Request,
  RoomList,
} from "../protocol/messages.ts";
import { isChange } from "../protocol/message_fold.ts";
import { printable } from "../protocol/names.ts";
import { Continuity, NOTHING_KNOWN, type Known } from "./continuity.ts";
import {
  conversationOf,
  kindOf,
  LOBBY,
  mentionsReader,
  NOTICES,
  patternOf,
  roomNews,
  titleOf,
  type Reader,
} from "./entries.ts";
import type { News } from "./news.ts";
import { Presence } from "./presence.ts";
import { Rights } from "./rights.ts";
import type { Conversation, Key, Kind } from "./shapes.ts";
import {
  mentionCount,
  readUpTo,
  unreadAfter,
  unreadCount,
  unreadFrom,
  unreadInAll,
  withMention,
  withoutUnread,
  withUnread,
  type Unread,
} from "./unread.ts";
import { Waiting, type Spoken } from "./waiting.ts";

/** What is known of one conversation, as it is kept. */
export interface State {
  readonly key: Key;
  readonly kind: Kind;
  readonly topic: string;
  readonly joined: boolean;
  /** Empty for what is usual: all of private ones, else mentions. */
  readonly notify: Notify | "";
  /** The newest sequence that is known of. */
  readonly head: number;
  readonly lastAtMs: number;
  readonly unread: Unread;
}

/** What was kept of an earlier run. */
export interface Kept {
  readonly known: Known;
  readonly states: readonly State[];
  readonly spoken: readonly Spoken[];
}

export const NOTHING_KEPT: Kept = { known: NOTHING_KNOWN, states: [], spoken: [] };

/** What the server has said is unread, once all is here up to the `head`. */
interface ToCount {
  readonly head: number;
  readonly marker: number;
  readonly unread: number;
  readonly mentions: number;
}

export class Book implements Reader {
  readonly states = new Map<Key, State>();
  readonly waiting = new Waiting();
  words: RegExp | undefined;
  readonly continuity: Continuity;
  readonly #toCount = new Map<Key, ToCount>();
  readonly #touched = new Set<Key>();
  #anew = new Set<string>();

  /** `presence` and `rights` outlive a book that is read anew from the store. */
  constructor(
    readonly me: string,
    kept: Kept = NOTHING_KEPT,
    readonly presence = new Presence(),
    readonly rights = new Rights(me),
  ) {
    this.continuity = new Continuity(me, kept.known);
    for (const state of kept.states) this.states.set(state.key, state);
    for (const spoken of kept.spoken) this.say(spoken);
  }

  /** Those that may have changed since the last call. */
  takeTouched(): ReadonlySet<Key> {
    const touched = new Set(this.#touched);
    this.#touched.clear();
    return touched;
  }

  /** The logs that did not go on where they were known, since the last call. */
  takeAnew(): ReadonlySet<string> {
    const anew = this.#anew;
    this.#anew = new Set();
    return anew;
  }

  // --- What happens ------------------------------------------------------------------------------

  /** `nowMs` is the time of any steady clock. */
  apply(news: News, nowMs: number): void {
    this.rights.hear(news);
    switch (news.type) {
      case "entry":
        this.#arrive(news.entry, nowMs);
        break;
      case "answered":
        this.#answered(news.request, news.answer, "number" in news.by ? news.by.number : 0);
        break;
      case "begun":
        this.#begin(news.sinceMs, news.logs);
        break;
      case "soft":
        if (news.message.kind === "presence_changed") this.presence.changed(news.message);
        else if (news.message.kind === "typing_seen") {
          this.presence.typingSeen(news.message, this.me, nowMs);
          this.#touched.add(news.message.log);
        } else this.#logStateChanged(news.message);
        break;
      case "lost":
        this.presence.lost();
        for (const key of this.states.keys()) this.#touched.add(key);
    }
  }

  // --- What the user does ------------------------------------------------------------------------

  /** The state of a conversation, which need not have begun. */
  at(key: Key): State {
    return this.states.get(key) ?? stateAt(key, this.continuity.first(key));
  }

  /** The user has said something, which waits in the outbox. */
  say(spoken: Spoken): void {
    const state = this.at(spoken.key);
    this.#put({ ...state, lastAtMs: Math.max(state.lastAtMs, spoken.atMs) });
    this.waiting.say(spoken);
  }

  /** Another tab has moved the marker, and knows what is unread now. */
  marked(key: Key, unread: Unread): void {
    const state = this.states.get(key);
    if (state) this.#put({ ...state, unread });
  }

  giveUp(number: number): void {
    const key = this.waiting.get(number)?.key;
    this.waiting.drop(number);
    if (key !== undefined) this.#touched.add(key);
  }

  /** The user has seen all that has come: the sequence to tell the server of, if there is news. */
  read(key: Key): number | undefined {
    const state = this.states.get(key);
    if (!state) return undefined;
    // What was missed is still on its way up to the head.
    const seen = Math.min(state.head, this.continuity.cursor(key));
    if (seen <= state.unread.marker) return undefined;
    this.#put({ ...state, unread: readUpTo(state.unread, seen) });
    return this.#hasMarker(key) ? seen : undefined;
  }

  /**
   * From there on the user has read nothing; `found` are the entries since then, as far as they are
   * at hand. The marker to tell the server of, if it moves.
   */
  markUnread(key: Key, sequence: number, found: readonly Entry[]): number | undefined {
    const state = this.states.get(key);
    if (!state || !this.#hasMarker(key)) return undefined;
    if (sequence <= 0 || sequence > state.unread.marker) return undefined;
    const since = found
      .filter((entry) => entry.sequence >= sequence && this.#isToRead(key, entry))
      .map((entry) => ({ sequence: entry.sequence, mentions: this.#mentionsMe(entry) }));
    this.#put({ ...state, unread: unreadAfter(state.unread, sequence - 1, since) });
    return sequence - 1;
  }

  /** From now on these words call the user as the name does, and no others. */
  highlight(words: readonly string[]): void {
    this.words = patternOf(words);
  }

  mayCallAll(author: string, log: string): boolean {
    return this.rights.mayCallAll(author, log);
  }

  // --- What is shown -----------------------------------------------------------------------------

  conversation(
    key: Key,
    own: { readonly kept: boolean; readonly hasDraft: boolean },
    nowMs: number,
  ): Conversation {
    const state = this.at(key);
    return {
      key,
      kind: state.kind,
      title: titleOf(key, state.kind, state.topic, this.me),
      topic: state.topic,
      joined: state.joined,
      notify: state.notify || (key.startsWith("@") ? "all" : "mentions"),
      unread: unreadCount(state.unread),
      mentions: key.startsWith("@") ? unreadCount(state.unread) : mentionCount(state.unread),
      lastAtMs: state.lastAtMs,
      typing: this.presence.typing(key, nowMs),
      ...own,
    };
  }

  // --- Entries -----------------------------------------------------------------------------------

  #arrive(entry: Entry, nowMs: number): void {
    const fit = this.continuity.arrive(entry);
    if (fit === "known") return;
    if (entry.log.startsWith("#")) {
      const known = this.at(entry.log);
      if (fit === "anew") this.#anew.add(entry.log);
      const state = fit === "anew" ? anew(known, entry.sequence) : known;
      this.#put({
        ...state,
        ...roomNews(entry, this.me),
        head: Math.max(state.head, entry.sequence),
      });
    }
    const key = conversationOf(entry, this.me) ?? this.waiting.keyAt(entry.log, entry.sequence);
    if (isChange(entry.body)) this.#amend(key, entry);
    else if (key !== undefined) this.#place(key, entry, nowMs);
    this.#countWhatCame();
  }

  #place(key: Key, entry: Entry, nowMs: number): void {
    const known = this.at(key);
    const isSaid =
      entry.body.kind === "message_posted" || entry.body.kind === "private_message_sent";
    let { unread } = known;
    if (this.#isToRead(key, entry)) {
      unread = withUnread(unread, entry.sequence, this.#mentionsMe(entry));
    }
    this.#put({
      ...known,
      unread,
      head: Math.max(known.head, entry.sequence),
      lastAtMs: isSaid || key === NOTICES ? Math.max(known.lastAtMs, entry.at_ms) : known.lastAtMs,
    });
    if (entry.author === this.me) this.waiting.arrives(key, entry);
    else this.presence.spoke(key, entry, nowMs);
  }

  #amend(key: Key | undefined, by: Entry): void {
    if (!isChange(by.body)) return;
    const { sequence } = by.body;
    // What oneself does in the inbox is done to what oneself has said or read.
    const state = key === undefined ? undefined : this.states.get(key);
    if (!state) return;
    if (by.body.kind === "message_deleted") {
      this.#put({ ...state, unread: withoutUnread(state.unread, sequence) });
    } else if (by.body.kind === "message_edited" && by.body.text) {
      const mentions = mentionsReader(by, by.body.text, this);
      this.#put({ ...state, unread: withMention(state.unread, sequence, mentions) });
    }
  }

  #isToRead(key: Key, entry: Entry): boolean {
    if (entry.author === this.me) return false;
    const { kind } = entry.body;
    return kind === "message_posted" || kind === "private_message_sent" || key === NOTICES;
  }

  #mentionsMe(entry: Entry): boolean {
    return mentionsReader(entry, "text" in entry.body ? entry.body.text : "", this);
  }

  // --- Sessions, and what other devices do -------------------------------------------------------

  #begin(sinceMs: number, logs: readonly LogState[]): void {
    this.#toCount.clear();
    const begun = this.continuity.begin(sinceMs, logs);
    if (begun.forgetsAll) {
      // All of it was somebody else's, of the same name.
      for (const key of this.states.keys()) this.#put(stateAt(key, Number.MAX_SAFE_INTEGER));
    }
    const begunAnew = new Map(begun.anew.map((each) => [each.state.log, each]));
    for (const state of logs) {
      const its = begunAnew.get(state.log);
      if (its) this.#anew.add(state.log);
      if (its) this.waiting.passed(state.log, state.cursor);
      if (state.log === this.continuity.inbox) this.#beginInbox(state, its);
      else this.#beginRoom(state, its?.isAnother);
    }
    for (const state of [...this.states.values()]) {
      if (!state.key.startsWith("#") || begun.followed.has(state.key) === state.joined) continue;
      this.#put({ ...state, joined: begun.followed.has(state.key) });
    }
  }

  /** `isAnother` is undefined where the room goes on as it was known. */
  #beginRoom(log: LogState, isAnother: boolean | undefined): void {
    const known = this.states.get(log.log) ?? stateAt(log.log, log.cursor + 1);
    const state = isAnother === undefined ? known : anew(known, log.cursor + 1, isAnother);
    this.#put({
      ...state,
      joined: true,
      head: log.head,
      notify: notifyOf(log.notify),
      unread: readUpTo(state.unread, log.marker),
    });
  }

  #beginInbox(log: LogState, its: { readonly isAnother: boolean } | undefined): void {
    for (const known of [...this.states.values()]) {
      if (!known.key.startsWith("@")) continue;
      const state = its ? anew(known, this.continuity.inboxFirst, its.isAnother) : known;
      const marker = known.key === NOTICES ? log.marker : 0;
      this.#put({ ...state, unread: readUpTo(state.unread, marker) });
    }
  }

  #logStateChanged({ log, marker, notify, back }: LogStateChanged): void {
    const state = this.states.get(log);
    if (!state || log === this.continuity.inbox) return;
    let unread = readUpTo(state.unread, marker);
    if (back) unread = unreadAfter(unread, marker, []);
    this.#put({ ...state, unread, notify: notifyOf(notify) });
  }

  // --- Answers -----------------------------------------------------------------------------------

  #answered(request: Request, answer: Answer, number: number): void {
    if (number) this.#settled(number, answer);
    switch (answer.kind) {
      case "done":
        if (request.kind === "set_notify") {
          this.#put({ ...this.at(request.log), notify: request.level });
        }
        break;
      case "room_list":
        this.#listed(answer);
        break;
      case "conversation_list":
        this.#conversationsListed(answer);
        break;
      case "member_list":
        this.presence.membersListed(answer);
        break;
      case "user_list":
        this.presence.usersListed(answer);
        break;
      default:
    }
  }

  #settled(number: number, answer: Answer): void {
    let key: Key | undefined;
    if (answer.kind === "done") {
      const log = answer.log ?? "";
      const cursor = this.continuity.cursors.get(log) ?? 0;
      key = this.waiting.confirmed(number, log, answer.sequence, cursor);
    } else if (answer.kind === "refused") key = this.waiting.refused(number, answer.reason);
    if (key !== undefined) this.#touched.add(key);
  }

  #listed({ rooms }: RoomList): void {
    for (const room of rooms) {
      const key = "#" + room.room;
      const state = this.states.get(key);
      if (!state) continue;
      this.#put({
        ...state,
        topic: printable(room.topic),
        kind: room.conversation ? "several" : state.kind,
        notify: room.joined ? notifyOf(room.notify) : state.notify,
      });
      this.#countAll(key, room.unread, room.mentions);
    }
  }

  #conversationsListed({ conversations }: ConversationList): void {
    for (const info of conversations) {
      const key = "@" + info.name;
      const state = this.at(key);
      this.#put({
        ...state,
        head: Math.max(state.head, info.head),
        lastAtMs: Math.max(state.lastAtMs, info.at_ms),
        notify: notifyOf(info.notify),
        unread: readUpTo(state.unread, info.marker),
      });
      this.#countAll(key, info.unread, info.unread);
    }
  }

  /** The server counts also what is still on its way: what of it counts, its coming tells. */
  #countAll(key: Key, unread: number, mentions: number): void {
    const state = this.at(key);
    if (state.head > this.continuity.cursor(key)) {
      this.#toCount.set(key, {
        head: state.head,
        marker: state.unread.marker,
        unread,
        mentions,
      });
    } else {
      this.#toCount.delete(key);
      this.#put({ ...state, unread: unreadInAll(state.unread, unread, mentions) });
    }
  }

  #countWhatCame(): void {
    for (const [key, waits] of this.#toCount) {
      const state = this.at(key);
      const isHere = this.continuity.cursor(key) >= waits.head;
      // Where something was read since then, nobody knows how much of it was counted.
      const isOld = state.unread.marker !== waits.marker;
      if (isHere || isOld) this.#toCount.delete(key);
      if (isHere && !isOld) {
        this.#put({ ...state, unread: unreadInAll(state.unread, waits.unread, waits.mentions) });
      }
    }
  }

  /** Whether the server keeps how far the user has read it. */
  #hasMarker(key: Key): boolean {
    return key !== NOTICES && key !== this.continuity.inbox;
  }

  #put(state: State): void {
    this.states.set(state.key, state);
    this.#touched.add(state.key);
  }
}

/** Whether the keeper of the list shows it among those that are there. */
export function isInList(state: State): boolean {
  return state.joined || state.key === LOBBY || unreadCount(state.unread) > 0;
}

/**
 * As people look for them: those that they keep, then the most recent ones first. Those that are
 * muted come after all that are not, unless they mention the user; those that were left come last.
 */
export function ordered(conversations: readonly Conversation[]): readonly Conversation[] {
  const rank = (each: Conversation): number =>
    (each.kept ? 0 : 4) +
    (each.joined || each.key.startsWith("@") ? 0 : 2) +
    (each.notify === "nothing" && !each.mentions ? 1 : 0);
  return [...conversations].sort(
    (one, other) =>
      rank(one) - rank(other) ||
      other.lastAtMs - one.lastAtMs ||
      (one.title < other.title ? -1 : one.title > other.title ? 1 : 0),
  );
}

/** Nothing is known of it but its key; what comes is known from `first` on. */
function stateAt(key: Key, first: number): State {
  return {
    key,
    kind: kindOf(key),
    topic: "",
    joined: !key.startsWith("#"),
    notify: "",
    head: 0,
    lastAtMs: 0,
    unread: unreadFrom(first),
  };
}

/** What was known of it is not what comes before `first`. */
function anew(state: State, first: number, isAnother = false): State {
  // Of another log nobody has read anything.
  const marker = isAnother ? 0 : state.unread.marker;
  return { ...state, head: isAnother ? 0 : state.head, unread: unreadFrom(first, marker) };
}

function notifyOf(level: string | undefined): Notify | "" {
  return level === "all" || level === "mentions" || level === "nothing" ? level : "";
}
