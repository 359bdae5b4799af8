/** What is sent, shown and asked because of a command: through `Chat` alone. */

import { RefusedError, type Chat } from "../chat.ts";
import type { Key } from "../model/shapes.ts";
import { PING_TARGETS, type Draft, type Entry } from "../protocol/messages.ts";
import * as LIMITS from "../protocol/limits.ts";
import { printable } from "../protocol/names.ts";
import { shortened } from "../text/entries.ts";
import { listed, modes, topics, type Table } from "../text/lists.ts";
import { words } from "../text/more.ts";
import { number } from "../text/text.ts";
import type { Action, Asked, Which } from "./actions.ts";
import { parse } from "./table.ts";

/** What the person looks at. */
export interface Outside {
  /** A sentence of the client itself. */
  notice(text: string): void;
  /** Nothing was done; why. */
  complain(text: string): void;
  show(table: Table): void;
  /** A dialog of its own; what it asks for, it sends itself. */
  open(what: Panel, about?: string): void;
  ask(what: Asked): void;
  confirm(question: string, does: string): Promise<boolean>;
  /** What is shown once and is worth something, as the token of a bot. */
  showSecret(title: string, secret: string): void;
  /** Goes to a conversation; with `unlessMoved` only if the person has done nothing since. */
  goTo(key: Key): void;
  /** Whether nothing was touched since this was called. */
  stillness(): () => boolean;
}

export type Panel = "help" | "search" | "pins" | "devices" | "people";

/** Shown of a message that is reported, so that one sees that it is the one that is meant. */
const QUOTED_CHARS_MAX = 60;
/** `:lr` alone leaves the room that is open. */
const LEAVE = ":lr";

/** Does what the line says; false if it could not be done, and stays to be corrected. */
export async function run(chat: Chat, outside: Outside, text: string, at: Key): Promise<boolean> {
  const line = text.trim() === LEAVE && at.startsWith("#") ? `${LEAVE} ${at}` : text;
  const rooms = new Set(
    chat.conversations.value
      .filter(({ key }) => key.startsWith("#"))
      .map(({ key }) => key.slice(1)),
  );
  const action = parse(line, rooms);
  if (action.does === "mistake") {
    outside.complain(action.text);
    return false;
  }
  try {
    await perform(chat, outside, action, at);
    return true;
  } catch (error) {
    // What was refused may be tried again; anything else is a mistake of ours, and is seen.
    if (!(error instanceof RefusedError || error instanceof RangeError)) throw error;
    outside.complain(error.message);
    return !(error instanceof RangeError);
  }
}

async function perform(chat: Chat, outside: Outside, action: Action, at: Key): Promise<void> {
  switch (action.does) {
    case "send":
      return send(chat, outside, action.draft, action.done, action.lastsS);
    case "show-topic":
    case "show-mode": {
      const answer = await chat.ask({ kind: "list_rooms", room: action.room });
      const lines = action.does === "show-topic" ? topics(answer) : modes(answer);
      return outside.notice(lines.join("\n"));
    }
    case "help":
      return outside.open("help", action.command);
    case "ping":
      return ping(chat, outside);
    case "whoami": {
      const { name, guest } = chat.me.value;
      return outside.notice(words(guest ? "whoami.guest" : "whoami.account", { name }));
    }
    case "quit":
      return outside.notice(words("quit"));
    case "ask":
      return outside.ask(action.what);
    case "app-token":
      return appToken(chat, outside, action.name, action.scopes, action.rooms);
    case "report":
      return report(chat, outside, action.log, action.back, action.reason);
    case "to-message": {
      const entry = await find(chat, action.log, action.which);
      return send(chat, outside, action.draft(entry.log, entry.sequence), "");
    }
    case "remove-said":
      return removeSaid(chat, outside, action);
    case "log-out":
      return logOut(chat, outside, action.everywhere);
    case "nothing":
    case "mistake":
      return;
    default:
      return never(action, at);
  }
}

function never(action: never, at: Key): never {
  throw new Error(`nobody does ${JSON.stringify(action)} in ${at}`);
}

// --- What is sent --------------------------------------------------------------------------------

async function send(
  chat: Chat,
  outside: Outside,
  draft: Draft,
  done: string,
  lastsS?: number,
): Promise<void> {
  switch (draft.kind) {
    case "post":
      return say(chat, outside, `#${draft.room}`, draft.text, draft.reply_to);
    case "send_private":
      return say(chat, outside, `@${draft.to}`, draft.text, draft.reply_to);
    case "set_notify":
      await chat.setNotify(draft.log, draft.level);
      return outside.notice(done);
    case "create_room":
    case "join_room":
    case "start_conversation":
      return goThere(chat, outside, draft);
    case "close_room": {
      const question = words("close.question", { room: draft.room });
      if (await outside.confirm(question, words("close.does"))) await chat.ask(draft);
      return;
    }
    case "search_messages":
      return outside.open("search", searchText(draft));
    case "list_pins":
      if (draft.room !== chat.opened.value.slice(1)) outside.goTo(`#${draft.room}`);
      return outside.open("pins");
    case "list_devices":
      return outside.open("devices");
    case "list_users":
      return outside.open("people");
    default: {
      const until = lastsS === undefined ? {} : { until_ms: Date.now() + lastsS * 1_000 };
      const answer = await chat.ask({ ...draft, ...until });
      const table = listed(answer, chat.me.value.name);
      if (table) outside.show(table);
      else if (done) outside.notice(done);
      else if (answer.kind === "done" && answer.sequence === 0) outside.notice(words("done"));
    }
  }
}

async function say(
  chat: Chat,
  outside: Outside,
  key: Key,
  text: string,
  replyTo?: number,
): Promise<void> {
  await (replyTo ? chat.say(key, text, replyTo) : chat.say(key, text));
  outside.goTo(key);
}

/** Goes to a room once it is open, unless the person has turned to something else meanwhile. */
async function goThere(
  chat: Chat,
  outside: Outside,
  draft: Extract<Draft, { kind: "create_room" | "join_room" | "start_conversation" }>,
): Promise<void> {
  const isStill = outside.stillness();
  const answer = await chat.ask(draft);
  const key = draft.kind === "start_conversation" ? (answer.log ?? "") : `#${draft.room}`;
  if (!key) return;
  if (isStill()) outside.goTo(key);
  else outside.notice(words("opened_elsewhere", { title: key }));
}

/** What one types into the panel to search for the same. */
function searchText(draft: Extract<Draft, { kind: "search_messages" }>): string {
  const where = draft.log ? `in:${draft.log} ` : "";
  return `${where}${draft.author ? `from:${draft.author} ` : ""}${draft.text}`;
}

async function ping(chat: Chat, outside: Outside): Promise<void> {
  const told: string[] = [];
  for (const target of PING_TARGETS) {
    const begun = performance.now();
    await chat.ask({ kind: "ping", target });
    const ms = Math.round((performance.now() - begun) * 10) / 10;
    told.push(words("ping.target", { target, ms: number(ms) }));
    outside.notice(told.join(" · "));
  }
}

async function logOut(chat: Chat, outside: Outside, everywhere: boolean): Promise<void> {
  const question = words(everywhere ? "log_out.everywhere" : "log_out.question");
  if (await outside.confirm(question, words("log_out.does"))) await chat.logOut(everywhere);
}

// --- Which message is meant: counted back from the last one --------------------------------------

/** Throws a `RangeError` with a sentence if there is none. */
async function find(chat: Chat, log: string, which: Which): Promise<Entry> {
  const newestFirst =
    which.among === "pinned"
      ? (await chat.ask({ kind: "list_pins", room: log.slice(1) })).pins
      : (
          await chat.ask({ kind: "read_history", log, limit: LIMITS.HISTORY_ENTRIES_MAX })
        ).entries.toReversed();
  const found = newestFirst.filter((entry) => isMeant(entry, which, chat.me.value.name));
  const entry = found[which.back - 1];
  if (entry) return entry;
  const whose = which.author
    ? words("find.author", { name: printable(which.author) })
    : words(`find.${which.among}`);
  throw new RangeError(words("find.none", { count: which.back, whose, log: printable(log) }));
}

function isMeant(entry: Entry, which: Which, me: string): boolean {
  const { kind } = entry.body;
  if (kind !== "message_posted" && kind !== "private_message_sent") return false;
  if (which.among === "edited" && !entry.edited) return false;
  if (which.author) return entry.author === which.author;
  if (which.among === "own") return entry.author === me;
  return which.among !== "others" || entry.author !== me;
}

async function report(
  chat: Chat,
  outside: Outside,
  log: string,
  back: number,
  reason: string,
): Promise<void> {
  const entry = await find(chat, log, { among: "others", back, author: "" });
  await chat.ask({ kind: "report_message", log: entry.log, sequence: entry.sequence, reason });
  const { body } = entry;
  const text = "text" in body ? shortened(printable(body.text), QUOTED_CHARS_MAX) : "";
  outside.notice(words("report.done", { who: printable(entry.author), text }));
}

/** All that somebody has said there of late, once the person has seen how much that is. */
async function removeSaid(
  chat: Chat,
  outside: Outside,
  action: Extract<Action, { does: "remove-said" }>,
): Promise<void> {
  const found = await saidSince(chat, action.log, action.user, Date.now() - action.seconds * 1_000);
  const values = { count: found.length, who: action.user, where: action.log, span: action.span };
  if (found.length === 0) throw new RangeError(words("remove.none", values));
  if (!(await outside.confirm(words("remove.question", values), words("remove.does")))) return;
  const reason = action.reason ? { reason: action.reason } : {};
  for (const { log, sequence } of found) {
    await chat.ask({ kind: "delete_message", log, sequence, ...reason });
  }
  outside.notice(words("remove.done", values));
}

async function saidSince(
  chat: Chat,
  log: string,
  author: string,
  sinceMs: number,
): Promise<Entry[]> {
  const found: Entry[] = [];
  for (let before: number | undefined; ;) {
    const history = await chat.ask({
      kind: "read_history",
      log,
      limit: LIMITS.HISTORY_ENTRIES_MAX,
      ...(before === undefined ? {} : { before }),
    });
    for (const entry of history.entries.toReversed()) {
      // An import is older than what stands before it, but what it has is not of late.
      if (entry.at_ms < sinceMs) return found;
      if (entry.author === author && entry.body.kind === "message_posted") found.push(entry);
    }
    before = history.entries[0]?.sequence;
    if (!history.more || before === undefined) return found;
  }
}

// --- Tokens of bots ------------------------------------------------------------------------------

async function appToken(
  chat: Chat,
  outside: Outside,
  name: string,
  scopes: readonly ("read" | "post")[],
  rooms: readonly string[],
): Promise<void> {
  const token = crypto.getRandomValues(new Uint8Array(LIMITS.TOKEN_BYTES));
  await chat.ask({
    kind: "create_app_token",
    digest: await digest(token),
    name,
    scopes,
    rooms,
  });
  outside.showSecret(words("token.title", { name }), asBase64(token));
}

/** SHA-256: the server keeps no more of a secret. */
export async function digest(secret: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", secret));
}

/** URL-safe and without padding, as `--token-file` reads it. */
export function asBase64(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
