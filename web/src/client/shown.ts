/** The signals that views read, drawn anew once for all that happens in one turn, or in several. */

import { batch, signal, type Signal } from "@preact/signals";

import { STANDINGS, type MemberList } from "../protocol/messages.ts";
import { ordered, type Book } from "../model/book.ts";
import { LOBBY } from "../model/entries.ts";
import type { Connection, Conversation, Key, Me, Member, Timeline } from "../model/shapes.ts";
import { timelineOf } from "../model/window.ts";
import { paced } from "./pace.ts";
import type { OpenTimeline } from "./timeline.ts";

export interface Shows {
  book(): Book;
  timeline(): OpenTimeline;
  hasDraft(key: Key): boolean;
  kept(): readonly Key[];
  /** These conversations are not as they were. */
  touched(keys: ReadonlySet<Key>): void;
}

/** A little later than the moment in which somebody is not believed to write any more. */
const TYPING_ENDS_MS = 50;

export class Shown {
  readonly me: Signal<Me>;
  readonly connection = signal<Connection>({ state: "connecting" });
  readonly conversations = signal<readonly Conversation[]>([]);
  readonly opened = signal<Key>(LOBBY);
  readonly timeline: Signal<Timeline>;
  readonly members = signal<readonly Member[]>([]);
  readonly online = signal<ReadonlySet<string>>(new Set<string>());
  readonly unconfirmed = signal(0);
  /** How many of them the tab that leads knows of. */
  unconfirmedOfLeader = 0;
  readonly #shows: Shows;
  readonly #known = new Map<Key, Conversation>();
  #isListNew = true;
  #arePeopleNew = true;
  #isOver = false;
  #memberList: MemberList | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(me: Me, shows: Shows) {
    this.#shows = shows;
    this.me = signal(me);
    this.timeline = signal(this.#timeline());
  }

  /** Something may have changed. */
  readonly changed = paced(() => {
    if (!this.#isOver) batch(() => this.#draw());
  });

  /** A conversation is to be shown anew, or all of them. */
  forget(key?: Key): void {
    if (key === undefined) this.#known.clear();
    else this.#known.delete(key);
    this.#isListNew = true;
    this.changed();
  }

  /** Those that the book has changed since the last call, which are to be shown anew. */
  takeTouched(): ReadonlySet<Key> {
    const touched = this.#shows.book().takeTouched();
    for (const key of touched) this.forget(key);
    return touched;
  }

  peopleChanged(): void {
    this.#arePeopleNew = true;
    this.changed();
  }

  listMembers(list: MemberList | undefined): void {
    this.#memberList = list;
    this.peopleChanged();
  }

  connected(connection: Connection, unconfirmed: number): void {
    this.unconfirmedOfLeader = unconfirmed;
    if (JSON.stringify(this.connection.value) !== JSON.stringify(connection)) {
      this.connection.value = connection;
    }
    this.changed();
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #draw(): void {
    const book = this.#shows.book();
    const nowMs = performance.now();
    const touched = this.takeTouched();
    if (touched.size) this.#shows.touched(touched);
    if (this.#isListNew) this.#drawList(nowMs);
    this.timeline.value = this.#timeline();
    this.unconfirmed.value = Math.max(book.waiting.count, this.unconfirmedOfLeader);
    if (this.#arePeopleNew) this.#drawPeople();
    const endMs = book.presence.nextEndMs(nowMs);
    clearTimeout(this.#timer);
    if (endMs !== undefined) {
      this.#timer = setTimeout(() => this.forget(), endMs - nowMs + TYPING_ENDS_MS);
    }
  }

  #drawList(nowMs: number): void {
    this.#isListNew = false;
    const book = this.#shows.book();
    const kept = new Set(this.#shows.kept());
    const listed = [...book.states.keys()].filter((key) => this.#isListed(key));
    const conversations = listed.map((key) => {
      const own = { kept: kept.has(key), hasDraft: this.#shows.hasDraft(key) };
      const conversation = this.#known.get(key) ?? book.conversation(key, own, nowMs);
      this.#known.set(key, conversation);
      return conversation;
    });
    this.conversations.value = ordered(conversations);
  }

  /** Rooms that were left are gone from the list, but for the one that is looked at. */
  #isListed(key: Key): boolean {
    const { joined, head, lastAtMs } = this.#shows.book().at(key);
    if (key === this.opened.value) return true;
    return key.startsWith("#") ? joined : head > 0 || lastAtMs > 0;
  }

  #timeline(): Timeline {
    const open = this.#shows.timeline();
    const { head } = this.#shows.book().at(open.window.key);
    return timelineOf(open.window, open.items(), head);
  }

  #drawPeople(): void {
    this.#arePeopleNew = false;
    const { here } = this.#shows.book().presence;
    this.online.value = new Set(here.keys());
    this.members.value = (this.#memberList?.members ?? []).map(({ name, role }) => ({
      name,
      role: role === "owner" || role === "moderator" ? role : "member",
      online: here.has(name),
      away: here.get(name),
      muted: role === "muted",
    }));
  }
}

export function standingOf(who: {
  readonly guest: boolean;
  readonly standing: string;
}): Me["standing"] {
  if (who.guest) return "guest";
  return STANDINGS.find((each) => each === who.standing) ?? "account";
}
