/**
 * Drafts are checked here before anything is sent: a draft gets the spelling that goes over the wire, or
 * a sentence says why it cannot be sent. Ported from zchat/client/core/checks.py.
 */

import * as LIMITS from "../protocol/limits.ts";
import { SYSTEM_AUTHOR, type Draft } from "../protocol/messages.ts";
import { canonicalName, isVisible, printable, strayIn } from "../protocol/names.ts";
import { words } from "../text/more.ts";
import { number } from "../text/text.ts";
import { canonicalTarget } from "./targets.ts";

/** The request cannot be sent; the message says why, in a sentence without its full stop. */
export class InvalidRequest extends RangeError {}

/** Gives the value as it is sent; throws `InvalidRequest`. */
type Check = (value: never) => unknown;

/** The same as it is sent. To check it again changes nothing. */
export function checked<D extends Draft>(draft: D): D {
  const result: Record<string, unknown> = { ...draft };
  for (const [field, value] of Object.entries(draft)) {
    const check = CHECKS_OF[`${draft.kind}.${field}`] ?? CHECKS[field];
    if (check && value !== undefined && value !== null) result[field] = check(value as never);
  }
  return result as D;
}

// --- Places --------------------------------------------------------------------------------------

/** What says `text` in `#room`, or to `@name`. */
export function saying(place: string, text: string, replyTo = 0): Draft {
  const reply = replyTo ? { reply_to: replyTo } : {};
  return logName(place).startsWith("#")
    ? checked({ kind: "post", room: place, text, ...reply })
    : checked({ kind: "send_private", to: place, text, ...reply });
}

/** The log that people mean by `#room`, `@name`, or a bare word: one of `rooms`, or a name. */
export function logOf(word: string, rooms: ReadonlySet<string>): string {
  if (/^[#@]/.test(word)) return word;
  const name = canonical(word);
  return (rooms.has(name) ? "#" : "@") + name;
}

/** The canonical `#room` or `@name`. */
export function logName(log: string): string {
  if (log.startsWith("#")) return `#${roomName(log)}`;
  if (log.startsWith("@")) return `@${userName(log)}`;
  throw new InvalidRequest(words("check.place", { log: inQuotes(log) }));
}

/** The canonical name of a room, which people may write with a leading `#`. */
export function roomName(text: string): string {
  return canonical(text.replace(/^#/, ""));
}

/** The canonical name of a user, which people may write with a leading `@`. */
export function userName(text: string): string {
  return canonical(text.replace(/^@/, ""));
}

function canonical(name: string): string {
  // Said without repeating it, which would fill the screen.
  if (length(name) > 2 * LIMITS.NAME_CHARS_MAX) {
    throw new InvalidRequest(words("name.long", { max: LIMITS.NAME_CHARS_MAX }));
  }
  const spelled = canonicalName(name);
  if (spelled === undefined) {
    const isLong = length(name) > LIMITS.NAME_CHARS_MAX;
    if (isLong) throw new InvalidRequest(words("name.long", { max: LIMITS.NAME_CHARS_MAX }));
    const isSystem = name.toLowerCase() === SYSTEM_AUTHOR;
    const values = { name: inQuotes(printable(name)) };
    throw new InvalidRequest(words(isSystem ? "name.system" : "name.invalid", values));
  }
  return spelled;
}

/** An address, a block of them, a name or a pattern, in its one spelling. */
function target(who: string): string {
  const text = who.trim();
  const found = canonicalTarget(text);
  if (typeof found === "string") return found;
  if (found.trouble === "name") return canonical(found.name);
  const phrase = found.trouble === "address" ? "check.address" : "check.pattern";
  throw new InvalidRequest(
    words(phrase, { text: inQuotes(printable(text)), max: LIMITS.NAME_CHARS_MAX }),
  );
}

function others(users: readonly string[]): string[] {
  const names = [...new Set(users.map(userName))];
  const max = LIMITS.CONVERSATION_USERS_MAX;
  if (names.length < 1 || names.length > max) {
    throw new InvalidRequest(words("check.others", { max }));
  }
  return names;
}

export function inQuotes(text: string): string {
  return text.includes("'") ? `"${text}"` : `'${text}'`;
}

// --- Texts ---------------------------------------------------------------------------------------

/** In code points, as the server counts. */
export function length(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** What can be said as a message. */
export function sayable(text: string): string {
  const said = exact(text);
  if (!isVisible(said)) throw new InvalidRequest(words("check.empty"));
  const max = LIMITS.TEXT_CHARS_MAX;
  if (length(said) > max) {
    throw new InvalidRequest(words("check.long_text", { max, chars: length(said) }));
  }
  return said;
}

/** A text that arrives as it is, but for the ends of its lines: whoever says something must not find
 * that something else was said. */
export function exact(text: string): string {
  const said = text.replaceAll("\r\n", "\n");
  const char = strayIn(said);
  if (char !== undefined) {
    const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    const at = number(length(said.slice(0, said.indexOf(char))) + 1);
    throw new InvalidRequest(words("check.stray", { code, at }));
  }
  return said;
}

function singleLine(text: string): string {
  return exact(text).trim().split(/\s+/).join(" ");
}

/** One line, as short as it must be; `what` is what people call it. */
export function shortText(
  text: string,
  what = words("check.a_reason"),
  max: number = LIMITS.REASON_CHARS_MAX,
): string {
  const line = singleLine(text);
  if (length(line) > max) {
    throw new InvalidRequest(words("check.long", { what, max, chars: length(line) }));
  }
  return line;
}

function searchable(text: string): string {
  const line = singleLine(text);
  if (!line) throw new InvalidRequest(words("check.nothing_to_search"));
  const max = LIMITS.SEARCH_CHARS_MAX;
  if (length(line) > max) throw new InvalidRequest(words("check.long_search", { max }));
  return line;
}

/** What may be a reaction: an emoji, or a word as short. */
export function reaction(text: string): string {
  if (text !== singleLine(text) || !isVisible(text) || text.includes(" ")) {
    throw new InvalidRequest(words("check.reaction"));
  }
  const max = LIMITS.EMOJI_CHARS_MAX;
  if (length(text) > max) throw new InvalidRequest(words("check.long_reaction", { max }));
  return text;
}

const LEVELS = ["all", "mentions", "nothing"];

function level(text: string): string {
  if (LEVELS.includes(text)) return text;
  throw new InvalidRequest(
    words("check.level", { text: inQuotes(text), levels: LEVELS.join(", ") }),
  );
}

// --- Secrets, whose text is in no error ----------------------------------------------------------

function secret(what: string, max: number): (text: string) => string {
  return (text) => {
    if (length(text) <= max) return text;
    throw new InvalidRequest(words("check.long_secret", { what, max }));
  };
}

const roomKey = secret(words("check.a_key"), LIMITS.ROOM_KEY_CHARS_MAX);
const password = secret(words("check.a_password"), LIMITS.PASSWORD_CHARS_MAX);

/** One that is long enough for an account. */
export function newPassword(text: string): string {
  const [min, max] = [LIMITS.PASSWORD_CHARS_MIN, LIMITS.PASSWORD_CHARS_MAX];
  if (length(text) < min) throw new InvalidRequest(words("check.short_password", { min, max }));
  return password(text);
}

/** As people copy it, with spaces. */
export function oneTimeCode(text: string): string {
  const code = singleLine(text).replaceAll(" ", "");
  return within(code, words("check.a_code"), LIMITS.ONE_TIME_CODE_CHARS_MAX);
}

function within(text: string, what: string, max: number): string {
  if (text && length(text) <= max) return text;
  throw new InvalidRequest(words("check.within", { what, max }));
}

function deviceName(text: string): string {
  return within(singleLine(text), words("check.a_device"), LIMITS.DEVICE_NAME_CHARS_MAX);
}

function scopes(given: readonly string[]): string[] {
  if (given.length === 0) throw new InvalidRequest(words("check.no_scope"));
  return [...new Set(given)];
}

function tokenRooms(rooms: readonly string[]): string[] {
  const max = LIMITS.APP_TOKEN_ROOMS_MAX;
  if (rooms.length > max) throw new InvalidRequest(words("check.token_rooms", { max }));
  return [...new Set(rooms.map(roomName))];
}

// --- Numbers -------------------------------------------------------------------------------------

function from(low: number, high: number, otherwise: string): (value: number) => number {
  return (value) => {
    if (low <= value && value <= high) return value;
    throw new InvalidRequest(otherwise);
  };
}

// --- Which field is checked by what --------------------------------------------------------------

/** By name of a field, in whichever request it is. */
const CHECKS: Readonly<Record<string, Check>> = {
  room: roomName,
  user: userName,
  to: userName,
  author: userName,
  users: others,
  log: logName,
  who: target,
  for_s: from(1, LIMITS.BAN_S_MAX, words("check.ban_time")),
  text: sayable,
  topic: (text: string) => shortText(text, words("check.a_topic"), LIMITS.TOPIC_CHARS_MAX),
  reason: (text: string) => shortText(text),
  note: (text: string) => shortText(text),
  away: (text: string) => shortText(text, words("check.an_away")),
  emoji: reaction,
  level,
  key: roomKey,
  password,
  new_password: newPassword,
};

/** In these requests the field means something of its own. */
const CHECKS_OF: Readonly<Record<string, Check>> = {
  "register.password": newPassword,
  "revoke_device.device": from(0, LIMITS.INTEGER_MAX, words("check.device")),
  "create_app_token.name": deviceName,
  "create_app_token.scopes": scopes,
  "create_app_token.rooms": tokenRooms,
  "enable_totp.code": oneTimeCode,
  "ban_member.until_ms": from(0, LIMITS.INTEGER_MAX, words("check.ban_long")),
  "configure_room.slow_mode_s": from(
    0,
    LIMITS.SLOW_MODE_S_MAX,
    words("check.slow", { max: LIMITS.SLOW_MODE_S_MAX }),
  ),
  "configure_room.members_max": from(
    0,
    LIMITS.ROOM_MEMBERS_MAX,
    words("check.members", { max: LIMITS.ROOM_MEMBERS_MAX }),
  ),
  "read_history.limit": from(
    1,
    LIMITS.HISTORY_ENTRIES_MAX,
    words("check.history", { max: LIMITS.HISTORY_ENTRIES_MAX }),
  ),
  "read_audit.limit": from(
    1,
    LIMITS.AUDIT_RECORDS_MAX,
    words("check.audit", { max: LIMITS.AUDIT_RECORDS_MAX }),
  ),
  "search_messages.text": searchable,
};
