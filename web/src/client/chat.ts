/** One user's chat in one tab: what views see, and what they want. */

import type { ReadonlySignal } from "@preact/signals";
import { signal } from "@preact/signals";

import { RefusedError, type Chat, type Told } from "../chat.ts";
import { Book } from "../model/book.ts";
import { LOBBY } from "../model/entries.ts";
import type { News } from "../model/news.ts";
import { toldOf } from "../model/notifying.ts";
import type { Action } from "../model/rights.ts";
import type { Connection, Key } from "../model/shapes.ts";
import type { Spoken } from "../model/waiting.ts";
import {
  isCommand,
  type Answer,
  type AnswerOf,
  type Draft,
  type History,
  type Notify,
  type Request,
} from "../protocol/messages.ts";
import { safeText } from "../protocol/names.ts";
import { PERMISSIONS } from "../protocol/permissions.ts";
import type { Loaded, Store } from "../storage/store.ts";
import { words } from "../text/text.ts";
import { Asking } from "./asking.ts";
import { isKept, saying } from "./checks.ts";
import { Drafts } from "./drafts.ts";
import type { Leader, Outlet } from "./leader.ts";
import { Shown, standingOf } from "./shown.ts";
import { Tabs, type Word } from "./tabs.ts";
import { OpenTimeline } from "./timeline.ts";

const TYPING_EVERY_MS = 3_000;
/** Members who come and go are asked for together. */
const MEMBERS_WAIT_MS = 500;
/** How long a leading tab has for an answer to a tab that somebody looks at. */
const LEADER_ANSWER_MS = 3_000;
/** How long logging out waits for what is not confirmed. */
const LOG_OUT_WAIT_MS = 10_000;

/** Choices of the user in this browser: conversations at the top, and words that call the user. */
const KEPT = "kept";
const HIGHLIGHTS = "highlight-words";

export interface Beginning {
  readonly name: string;
  readonly cluster: string;
  /** As the account's list of devices has this browser, if it does. */
  readonly device: string | undefined;
  readonly store: Store;
  readonly loaded: Loaded;
  /** Makes what leads, if this tab is the one. */
  lead(outlet: Outlet, away: string | undefined): Promise<Leader>;
  /** The server will not have the user any more, for this reason. */
  shutOut(code: string): void;
  /** Forgets the cookie, and who was here. */
  forget(): Promise<void>;
}

export class Session implements Chat {
  readonly notices = signal<Chat["notices"]["value"]>([]);
  readonly highlights = signal<readonly string[]>([]);
  readonly #beginning: Beginning;
  readonly #store: Store;
  readonly #tabs: Tabs;
  readonly #asking: Asking;
  readonly #drafts: Drafts;
  readonly #open: OpenTimeline;
  readonly #shown: Shown;
  readonly #choices: Map<string, unknown>;
  readonly #hearers = new Set<(told: Told) => void>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** What is told while the book is read anew: it may be newer than what is read. */
  readonly #heardMeanwhile = new Set<News[]>();
  readonly #stopListening = new AbortController();
  #isGone: () => void = () => undefined;
  /** The session was logged out, and all of it is forgotten. */
  readonly #gone = new Promise<void>((resolve) => (this.#isGone = resolve));
  #book: Book;
  #leader: Leader | undefined;
  #heardLeaderAtMs = -Infinity;
  #watchesMembers = false;
  #typedAtMs = -TYPING_EVERY_MS;
  #noticeId = 0;
  #hasToldUnkept = false;
  #isClosed = false;

  constructor(beginning: Beginning) {
    const { name, cluster, store, loaded } = beginning;
    const whose = `zchat ${cluster} ${name}`;
    this.#beginning = beginning;
    this.#store = store;
    this.#choices = new Map(loaded.choices);
    this.#book = new Book(name, loaded.kept);
    this.#tabs = new Tabs(whose, !store.isShared, (word) => this.#hearTab(word));
    this.#asking = new Asking(this.#tabs.id, (call, asked) => {
      const tab = this.#tabs.id;
      if (this.#leader) this.#leader.ask({ tab, call }, asked);
      else this.#tabs.say({ type: "ask", tab, call, asked });
    });
    this.#open = new OpenTimeline({
      store,
      book: () => this.#book,
      history: (key, before, limit) => this.#history(key, before, limit),
      committed: async () => this.#leader?.committed(),
      changed: () => this.#shown.changed(),
    });
    const me = { name, guest: loaded.guest, standing: standingOf(loaded), away: undefined };
    this.#shown = new Shown(me, {
      book: () => this.#book,
      timeline: () => this.#open,
      hasDraft: (key) => this.#drafts.of(key) !== "",
      kept: () => this.#words(KEPT),
      touched: (keys) => this.#leader?.changed(keys),
    });
    this.#drafts = new Drafts(whose, store, loaded.drafts, (key, text) =>
      this.#tabs.say({ type: "draft", key, text }),
    );
    this.#highlight();
    this.#listen();
    this.#shown.changed();
  }

  /** Leads if no other tab does; with a leader at hand, whether one does or not. */
  begin(first?: Leader): void {
    this.#leader = first;
    if (first) this.#depose();
    else {
      const lead = (): void => void this.#lead();
      this.#tabs.stand(lead, () => this.#deposed());
      this.#tabs.say({ type: "hello" });
      // What others were told before this tab could hear is in the store.
      void this.#readAnew();
    }
    this.open(LOBBY);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#drafts.flush();
    this.#leader?.stop();
    this.#stopListening.abort();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#shown.end();
    this.#tabs.close();
    this.#asking.end();
    this.#store.close();
  }

  // --- Signals -----------------------------------------------------------------------------------

  get me(): Chat["me"] {
    return this.#shown.me;
  }
  get connection(): ReadonlySignal<Connection> {
    return this.#shown.connection;
  }
  get conversations(): Chat["conversations"] {
    return this.#shown.conversations;
  }
  get opened(): Chat["opened"] {
    return this.#shown.opened;
  }
  get timeline(): Chat["timeline"] {
    return this.#shown.timeline;
  }
  get members(): Chat["members"] {
    return this.#shown.members;
  }
  get online(): Chat["online"] {
    return this.#shown.online;
  }
  get unconfirmed(): Chat["unconfirmed"] {
    return this.#shown.unconfirmed;
  }

  notice(text: string, bad: boolean): void {
    this.#noticeId += 1;
    this.notices.value = [...this.notices.value, { id: this.#noticeId, text, bad }];
  }

  dropNotice(id: number): void {
    this.notices.value = this.notices.value.filter((each) => each.id !== id);
  }

  // --- Leading, and being led --------------------------------------------------------------------

  async #lead(): Promise<void> {
    // A leader at hand has the lock now that it was to have.
    if (this.#leader) return;
    const leader = await this.#beginning.lead(this.outlet, this.me.value.away);
    await this.#readAnew();
    if (this.#isClosed) {
      leader.stop();
      return;
    }
    this.#leader = leader;
    this.sayLed();
    leader.start();
    this.#asking.again();
  }

  /** To the other tabs: ask again, and look into the store. */
  sayLed(): void {
    this.#tabs.say({ type: "led" });
  }

  #depose(): void {
    this.#tabs.depose(
      () => void this.#lead(),
      () => this.#deposed(),
    );
  }

  #deposed(): void {
    this.#leader?.stop();
    this.#leader = undefined;
    void this.#readAnew();
  }

  /** What the tab that led has told others before it ended, and this one not, is in the store. */
  async #readAnew(): Promise<void> {
    const heard: News[] = [];
    this.#heardMeanwhile.add(heard);
    try {
      const { kept } = await this.#store.load();
      if (this.#isClosed) return;
      const { me, presence, rights } = this.#book;
      this.#book = new Book(me, kept, presence, rights);
      this.#highlight();
      for (const news of heard) this.#book.apply(news, performance.now());
    } catch {
      // Where the store cannot be read any more, what is known is all there is.
    } finally {
      this.#heardMeanwhile.delete(heard);
    }
    this.#shown.forget();
    this.#open.readAnew();
  }

  #hearTab(word: Word): void {
    if (this.#isClosed) return;
    switch (word.type) {
      case "ask":
        this.#leader?.ask({ tab: word.tab, call: word.call }, word.asked);
        break;
      case "written":
        void this.#leader?.pump();
        break;
      case "wake":
      case "hello":
        this.#leader?.wake();
        break;
      case "log_out":
        void this.#leader?.logOut();
        break;
      case "led":
        void this.#readAnew().then(() => this.#asking.again());
        break;
      case "news":
        this.#heard(word.news);
        break;
      case "connection":
        this.#connected(word.connection, word.unconfirmed);
        break;
      case "notice":
        this.notice(word.text, word.bad);
        break;
      case "spoken":
        this.#book.say(word.spoken);
        break;
      case "dropped":
        this.#book.giveUp(word.number);
        break;
      case "marked":
        this.#book.marked(word.key, word.unread);
        this.#leader?.markRead(word.key, word.sequence, word.back);
        break;
      case "draft":
        this.#drafts.hear(word.key, word.text);
        this.#shown.forget(word.key);
        break;
      case "chosen":
        this.#choices.set(word.name, word.value);
        this.#chosen();
        break;
      case "gone":
        this.#over();
    }
    this.#shown.changed();
  }

  /** What the leading tab has to tell, where this is the one. */
  get outlet(): Outlet {
    return {
      heard: (news) => this.#heard(news),
      tell: (news) => this.#tabs.say({ type: "news", news }),
      connection: (connection, unconfirmed) => {
        this.#tabs.say({ type: "connection", connection, unconfirmed });
        this.#connected(connection, unconfirmed);
      },
      states: (keys) =>
        [...keys].flatMap((key) => {
          const state = this.#book.states.get(key);
          return state ? [state] : [];
        }),
      notice: (text) => {
        this.#tabs.say({ type: "notice", text, bad: true });
        this.notice(text, true);
      },
      deposed: () => {
        this.#deposed();
        this.#tabs.stepDown();
      },
      loggedOut: () => void this.#forget(),
    };
  }

  // --- What happens ------------------------------------------------------------------------------

  #heard(news: readonly News[]): ReadonlySet<Key> {
    for (const heard of this.#heardMeanwhile) heard.push(...news);
    for (const each of news) {
      this.#book.apply(each, performance.now());
      const anew = this.#book.takeAnew();
      if (anew.has(this.#book.continuity.logOf(this.#open.window.key))) this.#open.startAnew();
      this.#open.hear(each);
      this.#hear(each);
    }
    this.#shown.changed();
    return this.#shown.takeTouched();
  }

  #hear(news: News): void {
    switch (news.type) {
      case "entry":
        this.#hearEntry(news);
        break;
      case "answered":
        this.#asking.answered(news.by, news.answer);
        this.#hearAnswer(news.request, news.answer);
        break;
      case "begun": {
        const { guest } = news;
        this.#shown.me.value = { ...this.me.value, guest, standing: standingOf(news) };
        if (this.#watchesMembers) this.#askForMembers();
        break;
      }
      case "soft":
        if (news.message.kind === "presence_changed") this.#shown.peopleChanged();
        break;
      case "lost":
    }
  }

  #hearEntry({ entry }: News & { type: "entry" }): void {
    const { kind } = entry.body;
    const isOfMembers = kind.startsWith("member_") || kind === "room_transferred";
    if (this.#watchesMembers && isOfMembers && entry.log === this.opened.value) {
      this.#later("members", MEMBERS_WAIT_MS, () => this.#askForMembers());
    }
    // One tab of the browser tells it.
    const told = this.#leader && toldOf(this.#book, entry);
    if (!told) return;
    const { conversation, item } = told;
    const { key, title, kind: its } = conversation;
    const text = item.text.replace(/\s+/g, " ").trim();
    const { sequence, author } = item;
    for (const hear of this.#hearers) hear({ key, kind: its, title, sequence, author, text });
  }

  #hearAnswer(request: Request, answer: Answer): void {
    if (answer.kind === "member_list" && `#${answer.room}` === this.opened.value) {
      this.#shown.listMembers(answer);
      // Whom a text calls depends on who may call everyone.
      this.#open.forgetItems();
    }
    if (answer.kind === "user_list") this.#shown.peopleChanged();
    if (request.kind === "register" && answer.kind === "done") {
      this.#shown.me.value = { ...this.me.value, guest: false, standing: "account" };
    }
    if (request.kind === "set_away" && answer.kind === "done") {
      this.#shown.me.value = { ...this.me.value, away: request.away ?? undefined };
    }
  }

  onTold(hear: (told: Told) => void): () => void {
    this.#hearers.add(hear);
    return () => this.#hearers.delete(hear);
  }

  #connected(connection: Connection, unconfirmed: number): void {
    this.#heardLeaderAtMs = performance.now();
    this.#shown.connected(connection, unconfirmed);
    if (connection.state !== "ended") return;
    this.#asking.end();
    this.#beginning.shutOut(connection.code);
  }

  // --- Asking ------------------------------------------------------------------------------------

  async ask<D extends Draft>(draft: D): Promise<AnswerOf<D> & Answer> {
    if (this.#isClosed || this.connection.value.state === "ended") {
      throw new RefusedError("session_ended", words("chat.over"), 0);
    }
    const answer = await (isKept(draft) ? this.#askKept(draft) : this.#askNow(draft));
    if (answer.kind === "refused") {
      throw new RefusedError(answer.code, answer.reason, answer.retry_after_ms);
    }
    // The table of answers says which kind of request has which kind of answer.
    return answer as AnswerOf<D> & Answer;
  }

  async #askKept(draft: Draft): Promise<Answer> {
    let number: number;
    try {
      ({ number } = await this.#store.say(draft, undefined));
    } catch {
      // Where nothing can be kept it is asked all the same.
      return this.#asking.ask(draft);
    }
    const answer = this.#asking.answerTo(number);
    this.#pump();
    return answer;
  }

  #askNow(draft: Draft): Promise<Answer> {
    const { state } = this.connection.value;
    if (!isCommand(draft) && state !== "online") {
      return Promise.reject(new RefusedError("unavailable", words("chat.no_connection"), 0));
    }
    return this.#asking.ask(draft);
  }

  #pump(): void {
    if (this.#leader) void this.#leader.pump();
    else this.#tabs.say({ type: "written" });
  }

  async #history(key: Key, before: number | undefined, limit: number): Promise<History> {
    const range = before === undefined ? { limit } : { limit, before };
    return this.ask({ kind: "read_history", log: key, ...range });
  }

  // --- What is open ------------------------------------------------------------------------------

  open(key: Key, around?: number): void {
    this.#shown.opened.value = key;
    this.#shown.listMembers(undefined);
    this.#shown.forget(key);
    this.#open.open(key, around).catch((error: unknown) => this.#cannotRead(error));
    if (this.#watchesMembers) this.#askForMembers();
  }

  async loadOlder(): Promise<void> {
    await this.#open.loadOlder().catch((error: unknown) => this.#cannotRead(error));
  }

  async loadNewer(): Promise<void> {
    await this.#open.loadNewer().catch((error: unknown) => this.#cannotRead(error));
  }

  jumpToEnd(): void {
    if (this.#open.window.followsEnd) return;
    this.#open.look().catch((error: unknown) => this.#cannotRead(error));
  }

  async jumpToTime(atMs: number): Promise<void> {
    try {
      await this.#open.look(await this.#open.sequenceAt(this.opened.value, atMs));
    } catch (error) {
      this.#cannotRead(error);
    }
  }

  /** Offline it is no news that the server cannot be asked. */
  #cannotRead(error: unknown): void {
    if (this.#isClosed) return;
    if (!(error instanceof RefusedError)) throw error;
    const isExpected = error.code === "unavailable" || error.code === "session_ended";
    if (!isExpected) this.notice(error.message, true);
  }

  read(): void {
    if (!isSeen()) return;
    const key = this.opened.value;
    this.#open.read();
    const sequence = this.#book.read(key);
    if (sequence !== undefined) this.#mark(key, sequence, false);
    this.#shown.changed();
  }

  markUnread(sequence: number): void {
    const key = this.opened.value;
    const marker = this.#book.markUnread(key, sequence, this.#open.window.entries);
    if (marker === undefined) return;
    this.#open.markedUnread(marker);
    this.#mark(key, marker, true);
  }

  #mark(key: Key, sequence: number, back: boolean): void {
    const { unread } = this.#book.at(key);
    this.#tabs.say({ type: "marked", key, sequence, back, unread });
    this.#leader?.markRead(key, sequence, back);
    this.#shown.changed();
  }

  watchMembers(watching: boolean): void {
    if (watching && !this.#watchesMembers) this.#askForMembers();
    this.#watchesMembers = watching;
  }

  #askForMembers(): void {
    const key = this.opened.value;
    if (!key.startsWith("#")) return;
    // Who cannot read them sees none.
    this.ask({ kind: "list_members", room: key.slice(1) }).catch(() => undefined);
  }

  // --- Saying ------------------------------------------------------------------------------------

  async say(key: Key, text: string, replyTo = 0): Promise<void> {
    const draft = saying(key, text, replyTo);
    const about = { key, text: safeText(text), replyTo, atMs: Date.now() };
    try {
      const { number } = await this.#store.say(draft, about);
      this.#spoke({ number, trouble: "", ...about });
      this.#pump();
    } catch (error) {
      this.#sayUnkept(draft, about, error);
    }
    if (key === this.opened.value) this.jumpToEnd();
  }

  /** Where nothing can be kept it is said all the same, by this tab while it is there. */
  #sayUnkept(draft: Draft, about: Omit<Spoken, "number" | "trouble">, error: unknown): void {
    if (this.#isClosed) throw error;
    const why = error instanceof Error ? error.message : String(error);
    if (!this.#hasToldUnkept) this.notice(words("chat.unsafe_until_sent", { why }), true);
    this.#hasToldUnkept = true;
    const number = this.#asking.say(draft, (answer) => {
      // Only what stands in the log or not is of interest then.
      const request = { ...draft, id: 0 } as Request;
      this.#heard([{ type: "answered", request, answer, by: { number } }]);
    });
    this.#book.say({ number, trouble: "", ...about });
    this.#shown.changed();
  }

  #spoke(spoken: Spoken): void {
    this.#book.say(spoken);
    this.#tabs.say({ type: "spoken", spoken });
    this.#shown.changed();
  }

  retry(row: string): void {
    const number = numberOf(row);
    if (number === undefined) return;
    void this.#store.again(number, Date.now()).then((written) => {
      this.#drop(number);
      if (!written?.spoken) return;
      this.#spoke({ number: written.number, trouble: "", ...written.spoken });
      this.#pump();
    });
  }

  giveUp(row: string): void {
    const number = numberOf(row);
    if (number === undefined || !this.#book.waiting.get(number)?.trouble) return;
    void this.#store.giveUp(number).then(() => this.#drop(number));
  }

  #drop(number: number): void {
    this.#book.giveUp(number);
    this.#tabs.say({ type: "dropped", number });
    this.#shown.changed();
  }

  typing(key: Key): void {
    if (performance.now() - this.#typedAtMs < TYPING_EVERY_MS) return;
    if (key === "@zchat" || this.connection.value.state !== "online") return;
    this.#typedAtMs = performance.now();
    // Nobody need know that nobody was told.
    this.ask({ kind: "say_typing", log: key }).catch(() => undefined);
  }

  draft(key: Key): string {
    return this.#drafts.of(key);
  }

  keepDraft(key: Key, text: string): void {
    if (this.#drafts.put(key, text)) this.#shown.forget(key);
  }

  // --- What the user chooses ---------------------------------------------------------------------

  keep(key: Key, kept: boolean): void {
    const others = this.#words(KEPT).filter((each) => each !== key);
    this.#choose(KEPT, kept ? [...others, key] : others);
  }

  setHighlights(highlights: readonly string[]): void {
    this.#choose(HIGHLIGHTS, highlights);
  }

  #choose(name: string, value: unknown): void {
    this.#choices.set(name, value);
    // Else it holds for as long as the page does.
    this.#store.choose(name, value).catch(() => undefined);
    this.#tabs.say({ type: "chosen", name, value });
    this.#chosen();
  }

  #chosen(): void {
    this.#highlight();
    this.#open.forgetItems();
    this.#shown.forget();
  }

  #highlight(): void {
    const highlights = this.#words(HIGHLIGHTS);
    this.#book.highlight(highlights);
    if (JSON.stringify(highlights) !== JSON.stringify(this.highlights.value)) {
      this.highlights.value = highlights;
    }
  }

  #words(name: string): readonly string[] {
    const chosen = this.#choices.get(name);
    return Array.isArray(chosen) ? chosen.filter((each) => typeof each === "string") : [];
  }

  async setNotify(key: Key, level: Notify): Promise<void> {
    await this.ask({ kind: "set_notify", log: key, level });
  }

  // --- Rights ------------------------------------------------------------------------------------

  may(
    action: string,
    key: Key,
    item?: { readonly author: string; readonly mine: boolean },
  ): boolean | undefined {
    if (!isAction(action)) return undefined;
    const { rights } = this.#book;
    if (item && !item.mine) {
      if (action === "edit_message") return false;
      if (action === "delete_message") return rights.mayDeleteOf(item.author, key);
      if (action.endsWith("_member")) return rights.mayDoTo(item.author, action, key);
    }
    return rights.may(action, key, this.#book.at(key).kind === "several");
  }

  // --- Leaving -----------------------------------------------------------------------------------

  get gone(): Promise<void> {
    return this.#gone;
  }

  async logOut(everywhere = false): Promise<void> {
    const timeout = AbortSignal.timeout(LOG_OUT_WAIT_MS);
    const late = new Promise<never>((_, reject) =>
      timeout.addEventListener("abort", () => reject(this.#unconfirmedError())),
    );
    late.catch(() => undefined);
    // Before that nothing is begun that would go on once the person was told that it did not work.
    await Promise.race([this.#allConfirmed(), late]);
    if (everywhere) await this.ask({ kind: "log_out_everywhere" });
    else if (await Promise.race([this.#revokeThis(timeout), late])) await this.#forget();
    else if (this.#leader) await this.#leader.logOut();
    else this.#tabs.say({ type: "log_out" });
    await Promise.race([this.#gone, late]);
  }

  /**
   * Has the account forget this browser, so that its cookie is worth nothing to whoever has copied it.
   * That ends the session. Returns whether it was done: without a server it cannot be.
   */
  async #revokeThis(timeout: AbortSignal): Promise<boolean> {
    const name = this.#beginning.device;
    if (name === undefined || this.connection.value.state !== "online") return false;
    const { devices } = await this.ask({ kind: "list_devices" });
    const mine = devices.find((each) => each.name === name);
    if (!mine || timeout.aborted) return false;
    await this.ask({ kind: "revoke_device", device: mine.device });
    return true;
  }

  #allConfirmed(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.unconfirmed.subscribe((count) => {
        if (count > 0) return;
        resolve();
        queueMicrotask(() => stop());
      });
    });
  }

  #unconfirmedError(): RefusedError {
    const reason = words("chat.unconfirmed", { count: this.unconfirmed.value });
    return new RefusedError("unavailable", reason, 0);
  }

  async #forget(): Promise<void> {
    this.#tabs.say({ type: "gone" });
    // What cannot be forgotten now is of no use to anybody without the cookie, nor that without it.
    await this.#store.forget().catch(() => undefined);
    await this.#beginning.forget().catch(() => undefined);
    this.#over();
  }

  #over(): void {
    this.#drafts.forget();
    this.#shown.connection.value = { state: "ended", code: "logged_out", reason: "" };
    this.close();
    this.#isGone();
  }

  // --- Looking, waking ---------------------------------------------------------------------------

  #listen(): void {
    const { signal } = this.#stopListening;
    const wake = (): void => this.#wake();
    document.addEventListener("visibilitychange", wake, { signal });
    for (const what of ["online", "pageshow", "focus"]) {
      window.addEventListener(what, wake, { signal });
    }
    window.addEventListener("pagehide", () => this.#drafts.leave(), { signal });
  }

  #wake(): void {
    if (document.visibilityState !== "visible") {
      this.#drafts.flush();
      return;
    }
    if (this.#leader) {
      this.#leader.wake();
      return;
    }
    this.#tabs.say({ type: "wake" });
    const askedAtMs = performance.now();
    this.#later("leader", LEADER_ANSWER_MS, () => {
      // It may sleep, and hold the lock all the same.
      if (!this.#leader && this.#heardLeaderAtMs < askedAtMs) this.#depose();
    });
  }

  #later(what: string, ms: number, run: () => void): void {
    clearTimeout(this.#timers.get(what));
    this.#timers.set(what, setTimeout(run, ms));
  }
}

/** Focused *and* visible: else nobody reads it. */
function isSeen(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

function isAction(action: string): action is Action {
  return action in PERMISSIONS;
}

/** Of a message in the outbox. */
function numberOf(row: string): number | undefined {
  return /^w-?\d+$/.test(row) ? Number(row.slice(1)) : undefined;
}
