/**
 * What the leading tab does for all of them: it holds the core and its socket, keeps what comes, and
 * sends what is written in the outbox. What comes is committed before the other tabs hear of it, so
 * that each of them can go on from the store whenever the leading one ends.
 */

import type { Event, Fatal } from "../core/events.ts";
import { LoggingOutError, type ClientCore } from "../core/machine.ts";
import type { State } from "../model/book.ts";
import type { By, News } from "../model/news.ts";
import type { Connection, Key } from "../model/shapes.ts";
import { isCommand, type Answer, type Entry, type Request } from "../protocol/messages.ts";
import { nonce } from "../protocol/nonces.ts";
import type { Ledger } from "../storage/ledger.ts";
import type { Store, Who } from "../storage/store.ts";
import { words } from "../text/text.ts";
import { nowS, type Line } from "./line.ts";
import type { Asked } from "./tabs.ts";

export interface Outlet {
  /** At once, to this tab. Returns the conversations that are not as they were. */
  heard(news: readonly News[]): ReadonlySet<Key>;
  /** To the others, once it is committed. */
  tell(news: readonly News[]): void;
  connection(connection: Connection, unconfirmed: number): void;
  /** What conversations are like of which that was said; see `Leader.changed`. */
  states(keys: ReadonlySet<Key>): readonly State[];
  notice(text: string): void;
  /** Another tab leads. */
  deposed(): void;
  loggedOut(): void;
}

/** Asked by the leading tab itself, for all. */
const NOBODY: By = { tab: "", call: 0 };
/** Of the outbox so many are with the core at a time. */
const SUBMITTED_MAX = 256;
/** Words for others, which are nobody's business but the server's. */
const SECRETS = ["password", "new_password", "key", "secret", "code", "nonce"];

export class Leader {
  readonly #core: ClientCore;
  readonly #line: Line;
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #term: number;
  readonly #prefix: Uint8Array;
  readonly #outlet: Outlet;
  /** Who has asked, by the core's number. */
  readonly #asked = new Map<number, By>();
  /** Conversations that are not as they were written. */
  #changed = new Set<Key>();
  #untold: News[] = [];
  #who: Who | undefined;
  #me = "";
  #writing: Promise<void> | undefined;
  #isBroken = false;
  #lastNumber = 0;
  #pumping: Promise<void> = Promise.resolve();
  #nextPump: Promise<void> | undefined;
  #reason = "";
  #slowedUntilMs = 0;
  #toldConnection = "";
  #ended: Fatal | undefined;
  #isOver = false;
  #isLeaving = false;

  constructor(
    core: ClientCore,
    line: Line,
    kept: { store: Store; ledger: Ledger; term: number; prefix: Uint8Array },
    outlet: Outlet,
  ) {
    this.#core = core;
    this.#store = kept.store;
    this.#ledger = kept.ledger;
    this.#term = kept.term;
    this.#prefix = kept.prefix;
    this.#outlet = outlet;
    this.#line = line;
    line.hear = (events) => this.hear(events);
  }

  start(): void {
    this.#line.turn();
    this.tellConnection();
    void this.pump();
  }

  /** For good, and without a word. */
  stop(): void {
    this.#isOver = true;
    this.#line.stop();
  }

  /** Somebody looks, and wants to know how the connection is. */
  wake(): void {
    // Whoever wrote something may have ended before it could tell.
    void this.pump();
    this.#line.wake();
    this.#toldConnection = "";
    this.tellConnection();
  }

  // --- What tabs want ----------------------------------------------------------------------------

  /** Sends what is new in the outbox, in order. */
  pump(): Promise<void> {
    // One that waits for its turn finds all that is there by then.
    this.#nextPump ??= this.#pumping.then(() => {
      this.#nextPump = undefined;
      return this.#pump();
    });
    this.#pumping = this.#nextPump;
    return this.#nextPump;
  }

  ask(by: By, asked: Asked): void {
    // What was said before goes before.
    const isFirst = !isCommand(asked);
    if (isFirst) this.#submit(by, asked);
    else void this.pump().then(() => this.#submit(by, asked));
  }

  markRead(key: Key, sequence: number, back: boolean): void {
    this.#core.markRead(key, sequence, back);
    this.#line.turn();
    this.changed([key]);
  }

  /** These conversations are not as they were. */
  changed(keys: Iterable<Key>): void {
    for (const key of keys) this.#changed.add(key);
    this.#write();
  }

  /** Ends the session once all that was said is confirmed, also what is said meanwhile. */
  async logOut(): Promise<void> {
    this.#isLeaving = true;
    await this.pump();
  }

  /** Once all that has come so far is in the store. */
  async committed(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  tellConnection(): void {
    if (this.#isOver) return;
    const connection = this.#connection();
    const { unconfirmed } = this.#core;
    const told = JSON.stringify([connection, unconfirmed]);
    if (told === this.#toldConnection) return;
    this.#toldConnection = told;
    this.#outlet.connection(connection, unconfirmed);
  }

  async #pump(): Promise<void> {
    if (this.#isOver) return;
    // One that has begun to read before may have missed what was said before.
    const isLeaving = this.#isLeaving;
    let isAll = true;
    try {
      isAll = await this.#submitWritten();
    } catch (error) {
      this.#fail(error);
    }
    if (isLeaving && isAll && this.#core.unconfirmed === 0) {
      this.#core.logOut(nowS());
      this.#line.turn();
    }
    this.tellConnection();
  }

  /** As much as there is room for; the rest when some of it is answered. Returns whether that was all. */
  async #submitWritten(): Promise<boolean> {
    for (;;) {
      const room = SUBMITTED_MAX - this.#core.unanswered;
      // Not one at a time: each reading costs as much.
      if (room < SUBMITTED_MAX / 2) return false;
      const all = await this.#store.written(this.#lastNumber, room);
      if (this.#isOver || !all.length) return true;
      for (const { number, draft } of all) {
        this.#submit({ number }, { ...draft, nonce: nonce(this.#prefix, number) });
        this.#lastNumber = number;
      }
    }
  }

  #submit(by: By, asked: Asked): void {
    if (this.#isOver) return;
    try {
      this.#asked.set(this.#core.submit(asked, nowS()), by);
    } catch (error) {
      if (error instanceof LoggingOutError) return;
      throw error;
    }
    this.#line.turn();
  }

  // --- What happens ------------------------------------------------------------------------------

  /** What the core says, in its order. */
  hear(events: readonly Event[]): void {
    if (this.#isOver) return;
    const news: News[] = [];
    for (const event of events) {
      const its = this.#newsOf(event);
      if (its) news.push(its);
    }
    if (news.length) {
      for (const each of news) this.#ledger.hear(each);
      this.#untold.push(...news);
      // How conversations are is kept together with what has made them so.
      this.changed(this.#outlet.heard(news));
    }
    if (events.some(({ kind }) => kind === "session_begun")) this.#askAround();
    if (events.some(({ kind }) => kind === "answered")) void this.pump();
    else this.tellConnection();
    if (events.some(({ kind }) => kind === "logged_out")) {
      void this.committed().then(() => this.#outlet.loggedOut());
    }
  }

  #newsOf(event: Event): News | undefined {
    switch (event.kind) {
      case "entry_arrived":
        // Its topic was set before the user came, so no entry that follows tells it; and a
        // conversation of several is called by that.
        if (!event.missed && this.#bringsIn(event.entry))
          this.#submit(NOBODY, { kind: "list_rooms" });
        return { type: "entry", entry: event.entry, missed: event.missed };
      case "answered":
        return this.#answered(event.id, event.request, event.answer);
      case "session_begun": {
        const { name, guest, standing, sinceMs, logs } = event;
        this.#who = { guest, standing };
        this.#me = name;
        this.#reason = "";
        return { type: "begun", name, guest, standing, sinceMs, logs };
      }
      case "presence_changed":
      case "typing_seen":
      case "log_state_changed":
        return { type: "soft", message: event };
      case "slowed_down":
        this.#slowedUntilMs = Date.now() + event.wait_ms;
        setTimeout(() => this.tellConnection(), event.wait_ms + 50);
        return undefined;
      case "connection_lost":
        this.#reason = event.reason;
        return { type: "lost" };
      case "connection_failed":
        this.#reason = event.reason;
        return undefined;
      case "fatal":
        this.#ended = event;
        return { type: "lost" };
      case "delayed":
      case "logged_out":
        return undefined;
    }
  }

  /** Whether the user is in a room because of it. */
  #bringsIn({ author, body }: Entry): boolean {
    if (body.kind === "member_added") return body.user === this.#me;
    return (body.kind === "member_joined" || body.kind === "room_created") && author === this.#me;
  }

  #answered(id: number, request: Request, answer: Answer): News | undefined {
    const by = this.#asked.get(id);
    this.#asked.delete(id);
    if (!by) return undefined;
    const shown = Object.fromEntries(
      Object.entries(request).filter(([name]) => !SECRETS.includes(name)),
    ) as unknown as Request;
    return { type: "answered", request: shown, answer, by };
  }

  #askAround(): void {
    for (const kind of ["list_rooms", "list_conversations", "list_users"] as const) {
      this.#submit(NOBODY, { kind });
    }
  }

  #connection(): Connection {
    if (this.#ended) {
      const { code, reason } = this.#ended.refused;
      return { state: "ended", code, reason };
    }
    const latencyS = this.#core.latencyS;
    switch (this.#core.state) {
      case "online":
        return {
          state: "online",
          latencyMs: latencyS === undefined ? undefined : Math.round(latencyS * 1000),
          slowedMs: Math.max(0, this.#slowedUntilMs - Date.now()),
        };
      case "ended":
        return { state: "ended", code: "logged_out", reason: "" };
      default: {
        if (!this.#reason) return { state: "connecting" };
        const waitS = (this.#core.nextCallAt() ?? nowS()) - nowS();
        return {
          state: "offline",
          sinceMs: this.#line.heardAtMs,
          retryAtMs: Date.now() + Math.max(0, waitS) * 1000,
          reason: this.#reason,
        };
      }
    }
  }

  // --- Keeping -----------------------------------------------------------------------------------

  #write(): void {
    if (this.#writing || this.#isOver) return;
    if (!this.#untold.length && !this.#changed.size) return;
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
      this.#write();
    });
  }

  async #writeAll(): Promise<void> {
    const news = this.#untold;
    const changed = this.#changed;
    this.#untold = [];
    this.#changed = new Set();
    const batch = this.#ledger.take(this.#outlet.states(changed));
    if (!this.#isBroken) {
      try {
        const isWritten = await this.#store.write(this.#term, batch, {
          heardAtMs: this.#line.heardAtMs,
          who: this.#who,
        });
        if (!isWritten) return this.#depose();
        this.#who = undefined;
        await this.#keepBounds();
      } catch (error) {
        this.#fail(error);
      }
    }
    if (!this.#isOver && news.length) this.#outlet.tell(news);
  }

  async #keepBounds(): Promise<void> {
    const lastAtMs = (key: Key): number => this.#outlet.states(new Set([key]))[0]?.lastAtMs ?? 0;
    for (const { key, count } of this.#ledger.excess(lastAtMs)) {
      const first = await this.#store.drop(this.#term, key, count);
      this.#ledger.dropped(key, count, first);
    }
  }

  /** What is kept must have no hole, so that nothing is kept after what could not be. */
  #fail(error: unknown): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    const why = error instanceof Error ? error.message : String(error);
    this.#outlet.notice(words("chat.no_longer_kept", { why }));
  }

  #depose(): void {
    if (this.#isOver) return;
    this.stop();
    this.#outlet.deposed();
  }
}
