/**
 * A `Chat` without a server, for looking at views: it makes up what people say, answers with a
 * delay, and does what a scene asks of it. `chat.ts` of client/ is the real one.
 */

import { computed, signal } from "@preact/signals";

import type { Chat } from "../src/chat.ts";
import { RefusedError } from "../src/chat.ts";
import type {
  Connection,
  Conversation,
  Happened,
  Item,
  Key,
  Me,
  Member,
  Said,
  Timeline,
} from "../src/model/shapes.ts";
import type { Draft } from "../src/protocol/messages.ts";
import { answerTo } from "./answers.ts";
import { conversationsOf, itemsOf, PEOPLE, type World } from "./world.ts";

const WINDOW = 400;
const PAGE = 80;

export interface Fake extends Chat {
  /** Somebody else says something there. */
  hear(key: Key, author: string, text: string): void;
  /** Changes an item of the open conversation where it stands. */
  change(at: number, change: Partial<Said>): void;
  setConnection(connection: Connection): void;
  setTyping(names: readonly string[]): void;
  notice(text: string, bad: boolean): void;
}

export function createFake(world: World): Fake {
  const me = signal<Me>({ name: "ann", guest: false, standing: "account", away: undefined });
  const connection = signal<Connection>({ state: "online", latencyMs: 12, slowedMs: 0 });
  const conversations = signal<readonly Conversation[]>(conversationsOf(world));
  const opened = signal<Key>(world.opened);
  const logs = new Map<Key, Item[]>();
  const drafts = new Map<Key, string>([["#release", "the notes are nearly"]]);
  const window = signal<{ key: Key; from: number; to: number; unreadAfter: number }>({
    key: "",
    from: 0,
    to: 0,
    unreadAfter: 0,
  });
  const changed = signal(0);
  const notices = signal<readonly { id: number; text: string; bad: boolean }[]>([]);
  let rows = 0;

  const logOf = (key: Key): Item[] => {
    let log = logs.get(key);
    if (log === undefined) {
      log = itemsOf(key, key === world.opened ? world.messages : 120, world);
      logs.set(key, log);
    }
    return log;
  };

  const timeline = computed<Timeline>(() => {
    const { key, from, to, unreadAfter } = window.value;
    void changed.value;
    const log = logOf(key);
    return {
      key,
      items: log.slice(from, to),
      moreBefore: from > 0,
      moreAfter: to < log.length,
      newer: log.length - to,
      unreadAfter,
      loading: false,
    };
  });

  function open(key: Key, around?: number): void {
    const log = logOf(key);
    const at = around === undefined ? -1 : log.findIndex((item) => item.sequence >= around);
    const to = at < 0 ? log.length : Math.min(log.length, at + PAGE);
    const unread = conversations.peek().find((each) => each.key === key)?.unread ?? 0;
    const last = log.at(-1)?.sequence ?? 0;
    const unreadAfter =
      window.peek().key === key ? window.peek().unreadAfter : unread > 0 ? last - unread : 0;
    window.value = { key, from: Math.max(0, to - PAGE * 2), to, unreadAfter };
    opened.value = key;
    alter(key, { unread: 0, mentions: 0 });
  }

  function alter(key: Key, change: Partial<Conversation>): void {
    conversations.value = conversations
      .peek()
      .map((each) => (each.key === key ? { ...each, ...change } : each));
  }

  function put(key: Key, item: Item): void {
    const log = logOf(key);
    const follows = window.peek().key === key && window.peek().to === log.length;
    log.push(item);
    if (follows) {
      const to = log.length;
      window.value = { ...window.peek(), to, from: Math.max(window.peek().from, to - WINDOW) };
    }
    changed.value += 1;
  }

  const nextSequence = (key: Key) =>
    (logOf(key).findLast((item) => item.sequence)?.sequence ?? 0) + 1;

  function replace(key: Key, row: string, change: Partial<Said>): void {
    const log = logOf(key);
    const at = log.findIndex((item) => item.row === row);
    const item = log[at];
    if (item?.type === "said") log[at] = { ...item, ...change };
    changed.value += 1;
  }

  const said = (author: string, text: string, more: Partial<Said> = {}): Said => ({
    type: "said",
    row: `s${++rows}`,
    sequence: 0,
    atMs: Date.now(),
    author,
    text: text.startsWith("/me ") ? text.slice(4) : text,
    isAction: text.startsWith("/me "),
    replyTo: 0,
    repliedTo: undefined,
    edited: false,
    deletedBy: "",
    reactions: [],
    mentionsMe: text.includes("@ann"),
    mine: author === "ann",
    bot: false,
    delivery: "done",
    trouble: "",
    ...more,
  });

  const fake: Fake = {
    me,
    connection,
    conversations,
    opened,
    timeline,
    members: signal<readonly Member[]>(
      PEOPLE.map((name, at) => ({
        name,
        role: at === 0 ? "owner" : at < 3 ? "moderator" : "member",
        online: at % 3 !== 1,
        away: at === 5 ? "lunch" : undefined,
        muted: at === 9,
      })),
    ),
    online: signal<ReadonlySet<string>>(new Set(PEOPLE.filter((_, at) => at % 3 !== 1))),
    unconfirmed: computed(() => (connection.value.state === "online" ? 0 : 2)),
    notices,
    dropNotice: (id) => (notices.value = notices.peek().filter((each) => each.id !== id)),
    open,
    async loadOlder() {
      await delay(world.delayMs);
      const { from, to } = window.peek();
      const next = Math.max(0, from - PAGE);
      window.value = { ...window.peek(), from: next, to: Math.min(to, next + WINDOW) };
    },
    async loadNewer() {
      await delay(world.delayMs);
      const { key, from, to } = window.peek();
      const next = Math.min(logOf(key).length, to + PAGE);
      window.value = { ...window.peek(), to: next, from: Math.max(from, next - WINDOW) };
    },
    jumpToEnd() {
      const { key } = window.peek();
      const to = logOf(key).length;
      window.value = { ...window.peek(), from: Math.max(0, to - PAGE * 2), to };
    },
    jumpToTime: async (atMs) => {
      const key = opened.peek();
      open(key, logOf(key).find((item) => item.atMs >= atMs)?.sequence);
    },
    read: () => undefined,
    markUnread: (sequence) => {
      window.value = { ...window.peek(), unreadAfter: sequence - 1 };
    },
    watchMembers: () => undefined,
    async say(key, text, replyTo) {
      const answered = logOf(key).find((item) => item.sequence === replyTo);
      const item = said("ann", text, {
        delivery: "pending",
        replyTo: replyTo ?? 0,
        repliedTo:
          answered?.type === "said" ? { author: answered.author, text: answered.text } : undefined,
      });
      put(key, item);
      await delay(world.delayMs);
      if (connection.peek().state !== "online") return;
      const refused = text.includes("refuse");
      replace(
        key,
        item.row,
        refused
          ? { delivery: "failed", trouble: "You are muted here." }
          : { delivery: "done", sequence: nextSequence(key) },
      );
    },
    retry: (row) => replace(opened.peek(), row, { delivery: "done", trouble: "" }),
    giveUp(row) {
      const log = logOf(opened.peek());
      log.splice(
        log.findIndex((item) => item.row === row),
        1,
      );
      changed.value += 1;
    },
    ask: (async (draft: { kind: string } & Record<string, unknown>) => {
      await delay(world.delayMs);
      const key = opened.peek();
      const item = logOf(key).find((each) => each.sequence === draft["sequence"]);
      if (item?.type === "said") {
        if (draft.kind === "edit_message") {
          replace(key, item.row, { text: String(draft["text"]), edited: true });
        } else if (draft.kind === "delete_message") {
          replace(key, item.row, { text: "", deletedBy: "ann", reactions: [] });
        } else if (/reaction$/.test(draft.kind)) {
          replace(key, item.row, { reactions: reacted(item, String(draft["emoji"])) });
        }
      }
      if (draft.kind === "join_room") alter(key, { joined: true });
      const answer = answerTo(draft as unknown as Draft, world.nowMs);
      if (answer) return answer;
      if (draft.kind === "kick_member") throw new RefusedError("not_allowed", "You may not.", 0);
      return { kind: "done" };
    }) as unknown as Chat["ask"],
    draft: (key) => drafts.get(key) ?? "",
    keepDraft(key, text) {
      drafts.set(key, text);
      const hasDraft = text !== "";
      if (conversations.peek().some((each) => each.key === key && each.hasDraft !== hasDraft)) {
        alter(key, { hasDraft });
      }
    },
    typing: () => undefined,
    highlights: signal<readonly string[]>([]),
    setHighlights: () => undefined,
    onTold: () => () => undefined,
    keep: (key, kept) => alter(key, { kept }),
    setNotify: async (key, notify) => alter(key, { notify }),
    may: () => undefined,
    gone: new Promise(() => undefined),
    logOut: async () => undefined,
    hear(key, author, text) {
      put(key, said(author, text, { sequence: nextSequence(key) }));
    },
    change(at, change) {
      const key = opened.peek();
      const item = timeline.peek().items.at(at);
      if (item !== undefined) replace(key, item.row, change);
    },
    setConnection: (value) => (connection.value = value),
    notice: (text, bad) => (notices.value = [...notices.peek(), { id: ++rows, text, bad }]),
    setTyping: (typing) => alter(opened.peek(), { typing }),
  };
  open(world.opened);
  return fake;
}

function reacted(item: Said, emoji: string): Said["reactions"] {
  const others = item.reactions.map(([each, names]): [string, readonly string[]] => [
    each,
    each !== emoji
      ? names
      : names.includes("ann")
        ? names.filter((n) => n !== "ann")
        : [...names, "ann"],
  ]);
  if (!others.some(([each]) => each === emoji)) others.push([emoji, ["ann"]]);
  return others.filter(([, names]) => names.length > 0);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export type { Happened };
