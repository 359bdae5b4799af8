/** What entries are to somebody who reads: conversations, and their items. */

import type { Entry } from "../protocol/messages.ts";
import { endsFollowing } from "../protocol/membership.ts";
import { mentions } from "../protocol/mentions.ts";
import { foldedEntry, isChange } from "../protocol/message_fold.ts";
import { printable, safeText } from "../protocol/names.ts";
import { actionOf, inShort, sentence } from "../text/entries.ts";
import type { Item, Key, Kind, Said } from "./shapes.ts";

/** The key of what stands in the inbox and was said by nobody. No user has that name. */
export const NOTICES: Key = "@zchat";
export const LOBBY: Key = "#lobby";

/**
 * The key of the conversation that an entry belongs to. Undefined where only the message that it
 * refers to says so: of what oneself, or an operator, has done in the inbox.
 */
export function conversationOf(entry: Entry, me: string): Key | undefined {
  const { author, body, log } = entry;
  if (log.startsWith("#")) return log;
  if (body.kind === "private_message_sent" || body.kind === "redacted") {
    return "@" + (author === me ? body.to : author);
  }
  if (isChange(body)) return author === me || author === "zchat" ? undefined : "@" + author;
  return NOTICES;
}

export function kindOf(key: Key): Kind {
  if (key === NOTICES) return "notices";
  if (key === LOBBY) return "lobby";
  return key.startsWith("#") ? "room" : "private";
}

/** What of the room an entry changes; nothing if it is about something else. */
export interface RoomNews {
  readonly topic?: string;
  readonly kind?: Kind;
  readonly joined?: boolean;
}

export function roomNews(entry: Entry, me: string): RoomNews {
  const { body } = entry;
  if (body.kind === "topic_changed") return { topic: printable(body.topic), joined: true };
  if (endsFollowing(entry, me)) return { joined: false };
  return body.kind === "member_added" ? { kind: "several", joined: true } : { joined: true };
}

/** What people call it: a conversation of several by the others, where its topic names everyone. */
export function titleOf(key: Key, kind: Kind, topic: string, me: string): string {
  if (kind !== "several" || !topic) return key.slice(1);
  const others = topic.split(", ").filter((name) => name !== me);
  return others.join(", ") || topic;
}

// --- Items ---------------------------------------------------------------------------------------

export interface Reader {
  /** The user's own name. */
  readonly me: string;
  /** Finds words that call the user as the name does; undefined for no words. */
  readonly words: RegExp | undefined;
  /** Whether the author may call everyone at once there, as far as is known here. */
  mayCallAll(author: string, log: string): boolean;
}

export function mentionsReader(entry: Entry, text: string, reader: Reader): boolean {
  if (entry.author === reader.me) return false;
  if (entry.log.startsWith("@")) return true;
  if (reader.words?.test(text)) return true;
  return mentions(text, reader.me, reader.mayCallAll(entry.author, entry.log));
}

/** Finds each of the words as one of its own, in whatever case; undefined for no words. */
export function patternOf(words: readonly string[]): RegExp | undefined {
  // Of two that begin alike the longer one comes first.
  const longestFirst = words.filter(Boolean).sort((one, other) => other.length - one.length);
  if (!longestFirst.length) return undefined;
  const choices = longestFirst.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const letter = "[\\p{L}\\p{M}\\p{N}_]";
  return new RegExp(`(?<!${letter})(?:${choices.join("|")})(?!${letter})`, "iu");
}

/** `repliedTo` is the message that it answers, if it is at hand; `row` what its row is called. */
export function itemOf(entry: Entry, reader: Reader, row: string, repliedTo?: Entry): Item {
  const { author, body, sequence, at_ms: atMs } = entry;
  const common = { row, sequence, atMs, author };
  if (body.kind === "message_posted" || body.kind === "private_message_sent") {
    const replyTo = body.reply_to;
    return {
      ...saidAs(safeText(body.text)),
      ...common,
      replyTo,
      repliedTo: repliedTo && quoted(repliedTo),
      edited: entry.edited !== 0,
      reactions: [...entry.reactions],
      mentionsMe: mentionsReader(entry, body.text, reader),
      mine: author === reader.me,
      bot: body.bot,
    };
  }
  if (body.kind === "redacted") {
    return { ...saidAs(""), ...common, deletedBy: body.by, mine: author === reader.me };
  }
  const move =
    body.kind === "member_joined" ? "joined" : body.kind === "member_left" ? "left" : undefined;
  return { type: "happened", ...common, text: sentence(entry, reader.me), move, entry };
}

/** A message of nobody, with what most have. */
export function saidAs(text: string): Said {
  const action = actionOf(text);
  return {
    type: "said",
    row: "",
    sequence: 0,
    atMs: 0,
    author: "",
    text: action || text,
    isAction: action !== "",
    replyTo: 0,
    repliedTo: undefined,
    edited: false,
    deletedBy: "",
    reactions: [],
    mentionsMe: false,
    mine: false,
    bot: false,
    delivery: "done",
    trouble: "",
  };
}

function quoted(entry: Entry): Said["repliedTo"] {
  const { author, body } = entry;
  const text =
    body.kind === "message_posted" || body.kind === "private_message_sent" ? body.text : "";
  return { author, text: inShort(safeText(text)) };
}

// --- What has become of messages of late ---------------------------------------------------------

/** For each log. */
const RECENT_CHANGES_MAX = 200;

/**
 * Changes of late, wherever their messages are. A page of history that is on its way may have been
 * read before they were made. Later pages are read as they have become, so that little need be kept.
 */
export class RecentChanges {
  readonly #byLog = new Map<string, Entry[]>();

  keep(entry: Entry): void {
    const recent = this.#byLog.get(entry.log) ?? [];
    recent.push(entry);
    if (recent.length > RECENT_CHANGES_MAX) recent.shift();
    this.#byLog.set(entry.log, recent);
  }

  forget(log: string): void {
    this.#byLog.delete(log);
  }

  /** What there is to read of a page of one log, with all that has become of it. */
  readable(page: readonly Entry[]): Entry[] {
    const entries = new Map<number, Entry>();
    for (const entry of page) if (!isChange(entry.body)) entries.set(entry.sequence, entry);
    for (const by of this.#byLog.get(page[0]?.log ?? "") ?? []) {
      const message = isChange(by.body) ? entries.get(by.body.sequence) : undefined;
      if (message) entries.set(message.sequence, foldedEntry(message, by));
    }
    return [...entries.values()];
  }
}
