/** What each command does with its arguments; `table.ts` reads the line. */

import * as LIMITS from "../protocol/limits.ts";
import type { Draft } from "../protocol/messages.ts";
import { ACTION } from "../text/entries.ts";
import { words, type Phrase } from "../text/more.ts";
import { type Values } from "../text/text.ts";
import type { Action, Among, Asked, Which } from "./actions.ts";
import { checked, InvalidRequest, roomName, saying, shortText, userName } from "./checks.ts";
import {
  Arguments,
  count,
  flag,
  isDigits,
  kind,
  quoted,
  rest,
  whole,
  word,
  type Kind,
} from "./usage.ts";

/** How many `:history` and `:audit` show when no number is given. */
const HISTORY_ENTRIES = 20;
const AUDIT_RECORDS = 20;
const REPORT_BACK_MAX = 100;
const LOBBY = "lobby";

/** All arguments that there are, by the names of their kinds; a command has those of its usage. */
export interface Given {
  readonly room: string;
  readonly user: string;
  readonly log: string;
  readonly who: string;
  readonly text: string;
  readonly reason: string;
  readonly name: string;
  readonly scopes: string;
  readonly rooms: string;
  readonly password: string;
  readonly level: string;
  readonly turned: string;
  readonly everywhere: boolean;
  readonly which: Which;
  readonly given: { readonly back: number; readonly reason: string };
  readonly for_s: number | undefined;
  readonly far_back: { readonly span: string; readonly seconds: number };
}
/** The kind of a request, whose fields the arguments are, or a function of the arguments. */
export type Does = Draft["kind"] | ((given: Given) => Action);

/** A draft of fields that were read from a line: `checked` makes sure that they are as they must be. */
function drafted(kind: string, fields: object): Draft {
  return checked({ kind, ...fields } as unknown as Draft);
}

function send(draft: Draft, done = "", lastsS?: number): Action {
  return { does: "send", draft, done, ...(lastsS === undefined ? {} : { lastsS }) };
}

/** What is said once such a request is done, if no entry shows it; the fields stand in braces. */
const DONE: Readonly<Partial<Record<Draft["kind"], Phrase>>> = {
  revoke_device: "done.revoke",
  block_user: "done.block",
  unblock_user: "done.unblock",
  restore_user: "done.restore",
  disconnect_user: "done.disconnect",
  ban_users: "done.server_ban",
  unban_users: "done.server_unban",
  set_standing: "done.standing",
};

/** Sends what the arguments are the fields of; those that may be left out are, if nothing was given. */
export function sends(kind: Draft["kind"], given: object): Action {
  const fields = Object.entries(given).filter(
    ([name, value]) => value !== undefined && (value !== "" || name === "text"),
  );
  const draft = drafted(kind, Object.fromEntries(fields));
  const done = DONE[kind];
  return send(draft, done ? words(done, draft as unknown as Values) : "");
}

function ask(what: Asked): Action {
  return { does: "ask", what };
}

// --- Arguments of their own ----------------------------------------------------------------------

const WHICH = /^\^(?:([0-9]+)|([^\s:]+?)(?::([0-9]+))?)(?:\s+|$)/;

/** Which message, counted back; among which ones the command says. */
function which(line: Arguments): Which {
  const found = WHICH.exec(line.text);
  if (!found) return { among: "others", back: 1, author: "" };
  const [all, digits, author, digitsOfAuthor] = found;
  const back = whole(digits ?? digitsOfAuthor ?? "1");
  if (back < 1 || back > LIMITS.HISTORY_ENTRIES_MAX) {
    throw new InvalidRequest(words("command.back", { max: LIMITS.HISTORY_ENTRIES_MAX }));
  }
  line.text = line.text.slice(all.length);
  return { among: "others", back, author: author ? userName(author) : "" };
}

function logOrLobby(line: Arguments): string {
  // A number alone is a count; a room called 50 is asked for as #50.
  return line.text && !isDigits(line.text) ? line.log() : `#${LOBBY}`;
}

function backAndReason(line: Arguments): { back: number; reason: string } {
  const text = line.rest(words("argument.reason"));
  const [, first = "", others = ""] = /^(\S*)\s*(.*)$/s.exec(text) ?? [];
  if (!isDigits(first)) return { back: 1, reason: text };
  const back = whole(first);
  if (!others)
    throw new InvalidRequest(words("command.missing", { what: words("argument.reason") }));
  if (back < 1 || back > REPORT_BACK_MAX) {
    throw new InvalidRequest(words("command.report_back", { max: REPORT_BACK_MAX }));
  }
  return { back, reason: others };
}

function farBack(line: Arguments): { span: string; seconds: number } {
  const span = line.word(words("argument.far_back"));
  const seconds = new Arguments(span).time();
  if (seconds === undefined) {
    throw new InvalidRequest(words("command.far_back", { word: quoted(span) }));
  }
  return { span, seconds };
}

const STANDINGS = ["account", "moderator", "operator"];

function standing(line: Arguments): string {
  const given = line.rest(words("argument.standing"));
  if (STANDINGS.includes(given.toLowerCase())) return given.toLowerCase();
  const of = STANDINGS.join(", ");
  throw new InvalidRequest(words("command.not_one_of", { word: quoted(given), of }));
}

/** By how a usage shows them. */
export const KINDS: Readonly<Record<string, Kind>> = {
  "<room>": word("room", words("argument.room"), "room"),
  "<#room>": word("room", words("argument.the_room"), "room"),
  "<name>": word("user", words("argument.user"), "user"),
  "<#room or @name>": kind("log", words("argument.log"), (line) => line.log(), "either"),
  "<message>": rest("text"),
  "<emoji>": rest("emoji"),
  "[reason]": rest("reason"),
  "[text]": rest("text"),
  "[key]": rest("key"),
  "[password]": rest("password"),
  "[private]": flag("private", "private", (given) => words("command.not_private", { given })),
  "[everywhere]": flag("everywhere", "everywhere", (given) =>
    words("command.not_everywhere", { given }),
  ),
  "[30m, 12h or 7d]": kind("for_s", words("argument.time"), (line) => line.time()),
  "<30m, 12h or 7d>": kind("far_back", words("argument.far_back"), farBack),
  "[#room or @name]": kind("log", words("argument.place"), logOrLobby, "either"),
  "[#room or @name] [from:name] <words>": kind("text", "", (line) => line.rest(), "either"),
  "[command]": kind("name", words("argument.command"), (line) => line.word(), "command"),
  "[^n]": kind("which", words("argument.message"), which),
  "[^n or ^name]": kind("which", words("argument.message"), which),
  "[n] <reason>": kind("given", words("argument.reason"), backAndReason),
  "<name> [name ...]": kind(
    "users",
    words("argument.names"),
    (line) => line.rest(words("argument.names")).split(/\s+/),
    "users",
  ),
  "<all, mentions or nothing>": rest("level"),
  "<number>": kind("device", words("argument.device"), (line) =>
    line.number(words("argument.device")),
  ),
  "<on or off>": word("turned", words("argument.on_or_off")),
  "<bot>": word("name", words("argument.bot")),
  "<read,post>": word("scopes", words("argument.scopes")),
  "[room ...]": rest("rooms"),
  "<name, pattern or address>": word("who", words("argument.target"), "user"),
  "<account, moderator or operator>": kind("standing", words("argument.standing"), standing),
  "[private|public] [key KEY|nokey] [posting members|moderators] [slow 10s|off] [limit N|none]":
    rest("text"),
};

/** Of these commands an argument means something of its own. */
export const KINDS_OF: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  pm: { "<message>": rest("text", words("argument.text")) },
  rm: { "<message>": rest("text", words("argument.text")) },
  me: { "<text>": rest("text", words("argument.what_you_do")) },
  announce: { "<text>": rest("text", words("argument.announcement")) },
  history: { "[n]": count("limit", words("argument.messages"), HISTORY_ENTRIES) },
  audit: { "[n]": count("limit", words("argument.records"), AUDIT_RECORDS) },
};

// --- What is done to a message that stands -------------------------------------------------------

/** Does `kind` to the message that is meant. */
function toMessage(kind: Draft["kind"], among: Among) {
  return ({ log, which, ...given }: Given): Action => {
    if (kind === "edit_message" && which.author)
      throw new InvalidRequest(words("command.edit_own"));
    const fields = Object.fromEntries(
      Object.entries(given).filter(([name, value]) => value !== "" || name !== "reason"),
    );
    const draft = (of: string, sequence: number) => drafted(kind, { ...fields, log: of, sequence });
    draft(log, 0); // Checked now, although the message is not known yet.
    return { does: "to-message", log, which: { ...which, among }, draft };
  };
}

function toPin(kind: "pin_message" | "unpin_message", among: Among) {
  return ({ room, which }: Given): Action => ({
    does: "to-message",
    log: `#${roomName(room)}`,
    which: { ...which, among },
    draft: (log, sequence) => drafted(kind, { room: log, sequence }),
  });
}

function reply({ log, which, text }: Given): Action {
  saying(log, text);
  return { does: "to-message", log, which, draft: (_, sequence) => saying(log, text, sequence) };
}

function report({ log, given: { back, reason } }: Given): Action {
  return { does: "report", log, back, reason: shortText(reason) };
}

// --- What is found and set -----------------------------------------------------------------------

/** Reads `#room or @name` and `from:name`, in either order, before the words. */
function search({ text }: Given): Action {
  const left = text.split(/\s+/).filter(Boolean);
  let log: string | undefined;
  let author: string | undefined;
  for (let first = left[0]; first !== undefined; first = left[0]) {
    if (log === undefined && /^[#@]./.test(first)) log = first;
    else if (author === undefined && /^from:/i.test(first)) author = first.slice("from:".length);
    else break;
    left.shift();
  }
  const within = {
    ...(log === undefined ? {} : { log }),
    ...(author === undefined ? {} : { author }),
  };
  return send(drafted("search_messages", { text: left.join(" "), ...within }));
}

function notify({ log, level }: Given): Action {
  const chosen = level.trim().toLowerCase();
  const where = log === `#${LOBBY}` ? words("the_lobby") : log;
  const draft = drafted("set_notify", { log, level: chosen });
  return send(draft, words("done.notify", { where, level: chosen }));
}

function away({ text }: Given): Action {
  const word = shortText(text, words("check.an_away"));
  const done = word ? words("done.away_word", { word }) : words("done.away");
  return send(drafted("set_away", { away: word }), done);
}

function ban({ room, user, for_s, reason }: Given): Action {
  if (for_s === 0) throw new InvalidRequest(words("command.ban_time"));
  return send(drafted("ban_member", { room, user, ...because(reason) }), "", for_s);
}

function because(reason: string): { reason?: string } {
  return reason ? { reason } : {};
}

function suspend({ user, for_s, reason }: Given): Action {
  const draft = drafted("suspend_user", { user, ...because(reason) });
  return send(draft, words("done.suspend", { user: userName(user) }), for_s);
}

function serverKick({ who, for_s, reason }: Given): Action {
  const seconds = for_s || LIMITS.KICK_S;
  const draft = drafted("kick_users", { who, for_s: seconds, ...because(reason) });
  const target = "who" in draft ? draft.who : who;
  return send(draft, words("done.server_kick", { who: target, minutes: Math.floor(seconds / 60) }));
}

function mode({ room, text }: Given): Action {
  if (!text) return { does: "show-mode", room: roomName(room) };
  const settings: Record<string, unknown> = {};
  const left = new Arguments(text);
  while (left.text) {
    const said = left.word();
    const [name, value] = setting(said.toLowerCase(), left);
    if (name in settings) throw new InvalidRequest(words("mode.twice", { word: quoted(said) }));
    settings[name] = value;
  }
  return send(drafted("configure_room", { room, ...settings }));
}

/** Name and value of the setting that begins with `said`. */
function setting(said: string, more: Arguments): readonly [string, unknown] {
  switch (said) {
    case "private":
    case "public":
      return ["private", said === "private"];
    case "nokey":
      return ["key", ""];
    case "key":
      return ["key", more.word(words("argument.key"))];
    case "posting":
      return ["posting", posting(more.word(words("argument.posting")))];
    case "slow":
      return ["slow_mode_s", slow(more.word(words("argument.slow")))];
    case "limit":
      return ["members_max", limit(more.word(words("argument.limit")))];
    default:
      throw new InvalidRequest(words("mode.unknown", { word: quoted(said) }));
  }
}

function posting(said: string): string {
  if (["members", "moderators"].includes(said.toLowerCase())) return said.toLowerCase();
  throw new InvalidRequest(words("mode.posting", { word: quoted(said) }));
}

function slow(said: string): number {
  const seconds = said.toLowerCase() === "off" ? 0 : new Arguments(said).time();
  if (seconds !== undefined) return seconds;
  throw new InvalidRequest(words("mode.slow", { word: quoted(said) }));
}

function limit(said: string): number {
  if (said.toLowerCase() === "none") return 0;
  if (isDigits(said) && whole(said) > 0) return whole(said);
  throw new InvalidRequest(words("mode.limit", { word: quoted(said) }));
}

// --- The account ---------------------------------------------------------------------------------

function register({ password }: Given): Action {
  // A password may hold spaces.
  return password ? send(drafted("register", { password })) : ask("register");
}

function totp({ turned }: Given): Action {
  if (turned === "on") return ask("totp-on");
  if (turned === "off") return ask("totp-off");
  // Not repeated: it may be a code.
  throw new InvalidRequest(words("command.on_or_off"));
}

function appToken({ name, scopes, rooms }: Given): Action {
  const given = scopes.toLowerCase().split(",");
  if (!given.every((scope) => scope === "read" || scope === "post")) {
    throw new InvalidRequest(words("command.scopes", { word: quoted(scopes) }));
  }
  const draft = checked({
    kind: "create_app_token",
    // Checked now, although there is no token yet.
    digest: new Uint8Array(LIMITS.DIGEST_BYTES),
    name,
    scopes: given,
    rooms: rooms.split(/\s+/).filter(Boolean),
  });
  return { does: "app-token", name: draft.name, scopes: draft.scopes, rooms: draft.rooms ?? [] };
}

function redactAll({ room, user, far_back: { span, seconds }, reason }: Given): Action {
  return {
    does: "remove-said",
    log: `#${roomName(room)}`,
    user: userName(user),
    seconds,
    span,
    reason: shortText(reason),
  };
}

function topic({ room, text }: Given): Action {
  if (!text) return { does: "show-topic", room: roomName(room) };
  return send(drafted("set_topic", { room, topic: text }));
}

// --- All of them ---------------------------------------------------------------------------------

/** By the names of commands, which are those of the terminal. */
export const DOES: Readonly<Record<string, Does>> = {
  pm: ({ user, text }) => send(drafted("send_private", { to: user, text })),
  me: ({ text }) => send(drafted("post", { room: LOBBY, text: ACTION + text })),
  users: "list_users",
  cr: "create_room",
  jr: "join_room",
  lr: "leave_room",
  lrs: "list_rooms",
  lru: "list_members",
  rm: "post",
  topic,
  history: "read_history",
  ping: () => ({ does: "ping" }),
  whoami: () => ({ does: "whoami" }),
  reply,
  edit: toMessage("edit_message", "own"),
  redact: toMessage("delete_message", "own"),
  react: toMessage("add_reaction", "others"),
  unreact: toMessage("remove_reaction", "others"),
  edits: toMessage("read_edits", "edited"),
  pins: "list_pins",
  pin: toPin("pin_message", "others"),
  unpin: toPin("unpin_message", "pinned"),
  search,
  talk: "start_conversation",
  conversations: "list_conversations",
  notify,
  away,
  back: () => send(drafted("set_away", { away: null }), words("done.back")),
  invite: "invite_member",
  kick: "kick_member",
  ban,
  unban: "unban_member",
  bans: "list_bans",
  mute: "mute_member",
  unmute: "unmute_member",
  promote: "promote_member",
  demote: "demote_member",
  transfer: "transfer_room",
  mode,
  close: "close_room",
  register,
  password: () => ask("password"),
  devices: "list_devices",
  revoke: "revoke_device",
  logout: ({ everywhere }) => ({ does: "log-out", everywhere }),
  totp,
  apptoken: appToken,
  block: "block_user",
  unblock: "unblock_user",
  blocked: "list_blocked",
  report,
  "delete-account": () => ask("delete-account"),
  announce: "announce",
  suspend,
  "redact-all": redactAll,
  restore: "restore_user",
  disconnect: "disconnect_user",
  "server-kick": serverKick,
  "server-ban": "ban_users",
  "server-unban": "unban_users",
  "server-bans": "list_user_bans",
  standing: "set_standing",
  audit: "read_audit",
  help: ({ name }) => ({ does: "help", command: name.replace(/^:/, "").toLowerCase() }),
  quit: () => ({ does: "quit" }),
};
