/** Answers that are lists, as tables for a person: ported from zchat/client/text/lists.py. */

import { printable, safeText } from "../protocol/names.ts";
import type {
  Answer,
  AuditList,
  BanList,
  BlockedList,
  ConversationList,
  DeviceList,
  EditList,
  Entry,
  MemberList,
  RoomInfo,
  RoomList,
  UserBanList,
  UserList,
} from "../protocol/messages.ts";
import { inShort, sentence, settings } from "./entries.ts";
import { words, type Phrase } from "./more.ts";
import { duration, moment, number } from "./text.ts";

/** `rows` have a cell for each word of `head`; `notes` stand below them. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

function table(
  title: string,
  head: readonly Phrase[],
  rows: readonly (readonly string[])[],
  notes: readonly string[] = [],
): Table {
  return { title, head: head.map((phrase) => words(phrase)), rows, notes };
}

/** What the answer says, if it is a list. */
export function listed(answer: Answer, me: string): Table | undefined {
  switch (answer.kind) {
    case "room_list":
      return rooms(answer);
    case "member_list":
      return members(answer);
    case "user_list":
      return users(answer);
    case "conversation_list":
      return conversations(answer);
    case "edit_list":
      return edits(answer);
    case "ban_list":
      return bans(answer);
    case "user_ban_list":
      return serverBans(answer);
    case "device_list":
      return devices(answer);
    case "blocked_list":
      return blocked(answer);
    case "audit_list":
      return audit(answer);
    case "history":
      return entries(words("table.history", { log: printable(answer.log) }), answer.entries, me);
    case "search_results":
      return entries(words("table.found"), answer.entries, me);
    case "pin_list":
      return entries(words("table.pins", { room: printable(answer.room) }), answer.pins, me);
    default:
      return undefined;
  }
}

export function rooms(answer: RoomList): Table {
  const rows = answer.rooms.map((info) => [
    `#${printable(info.room)}`,
    info.members === null ? words("table.everyone") : number(info.members),
    unread(info.unread, info.mentions),
    [facts(info), printable(info.topic)].filter(Boolean).join(" "),
  ]);
  const head: Phrase[] = ["table.room", "table.members", "table.unread", "table.topic"];
  return table(words("table.rooms"), head, rows, cut(rows.length, answer.total));
}

/** What one should know before one joins it. */
function facts(info: RoomInfo): string {
  const full = info.members_max > 0 && info.members_max <= (info.members ?? 0);
  const found: string[] = [
    info.joined ? words("fact.joined") : "",
    info.conversation ? words("fact.conversation") : "",
    info.invited ? words("fact.invited") : "",
    info.private && !info.conversation ? words("room.private") : "",
    info.keyed ? words("room.keyed") : "",
    info.posting === "moderators" ? words("fact.moderators_speak") : "",
    info.slow_mode_s ? words("fact.slow") : "",
    info.notify ? words("fact.tells", { level: printable(info.notify) }) : "",
    full ? words("fact.full") : "",
  ].filter(Boolean);
  return found.length ? `[${found.join(", ")}]` : "";
}

function unread(count: number, mentions: number): string {
  if (!count) return "";
  return mentions ? `${number(count)} (${number(mentions)} @)` : number(count);
}

export function topics(answer: RoomList): string[] {
  return answer.rooms.map(
    (info) => `#${printable(info.room)}: ${printable(info.topic) || words("table.no_topic")}`,
  );
}

export function modes(answer: RoomList): string[] {
  return answer.rooms.map((info) => `#${printable(info.room)}: ${settings(info)}`);
}

function members(answer: MemberList): Table {
  const rows = answer.members.map((info) => [
    printable(info.name),
    presence(info.online, info.away),
    info.role === "member" ? "" : printable(info.role),
  ]);
  const title = words("table.members_of", { room: printable(answer.room) });
  const head: Phrase[] = ["table.name", "table.presence", "table.role"];
  return table(title, head, rows, cut(rows.length, answer.total));
}

/** Whether somebody is there, and the word with which they are away; null for not away. */
export function presence(online: boolean, away: string | null | undefined): string {
  if (!online) return words("presence.offline");
  if (away === null || away === undefined) return words("presence.online");
  return away ? words("presence.away_word", { word: printable(away) }) : words("presence.away");
}

function users(answer: UserList): Table {
  const rows = answer.users.map((info) => [
    printable(info.name),
    info.guest ? words("table.guest") : "",
    moment(info.since_ms),
    info.idle_ms >= 60_000 ? duration(info.idle_ms) : "",
    info.away === null ? "" : presence(true, info.away),
  ]);
  const head: Phrase[] = ["table.name", "table.empty", "table.since", "table.idle", "table.away"];
  return table(words("table.users"), head, rows, cut(rows.length, answer.total));
}

function conversations(answer: ConversationList): Table {
  const rows = answer.conversations.map((info) => [
    `@${printable(info.name)}`,
    unread(info.unread, 0),
    moment(info.at_ms),
    info.notify ? words("fact.tells", { level: printable(info.notify) }) : "",
  ]);
  const head: Phrase[] = ["table.with", "table.unread", "table.last", "table.notify"];
  return table(words("table.conversations"), head, rows, none(rows, "table.no_conversations"));
}

function edits(answer: EditList): Table {
  const rows = answer.edits.map((edit) => [moment(edit.at_ms), safeText(edit.text)]);
  const head: Phrase[] = ["table.until", "table.said"];
  return table(words("table.edits"), head, rows, none(rows, "table.no_edits"));
}

function bans(answer: BanList): Table {
  const rows = answer.bans.map((ban) => [
    printable(ban.user),
    until(ban.until_ms),
    printable(ban.by),
    printable(ban.reason),
  ]);
  const title = words("table.bans", { room: printable(answer.room) });
  const head: Phrase[] = ["table.name", "table.until", "table.by", "table.reason"];
  return table(title, head, rows, none(rows, "table.no_bans"));
}

function until(atMs: number | null | undefined): string {
  return atMs === null || atMs === undefined ? words("table.for_ever") : moment(atMs);
}

function serverBans(answer: UserBanList): Table {
  const rows = answer.bans.map((ban) => [
    printable(ban.who),
    ban.guests ? words("table.guests") : "",
    until(ban.until_ms),
    printable(ban.by),
    printable(ban.reason),
  ]);
  const head: Phrase[] = [
    "table.kept_out",
    "table.only",
    "table.until",
    "table.by",
    "table.reason",
  ];
  const notes = answer.more ? [words("table.more_bans")] : none(rows, "table.no_server_bans");
  return table(words("table.server_bans"), head, rows, notes);
}

function devices(answer: DeviceList): Table {
  const rows = answer.devices.map((info) => [
    String(info.device),
    printable(info.name),
    moment(info.created_ms),
    info.online ? words("presence.online") : moment(info.seen_ms),
    info.scopes.map(printable).join(", "),
    info.rooms.map((room) => `#${printable(room)}`).join(" "),
  ]);
  const head: Phrase[] = [
    "table.number",
    "table.device",
    "table.since",
    "table.last_seen",
    "table.may",
    "table.in",
  ];
  const notes = [
    ...none(rows, "table.no_devices"),
    ...(answer.totp ? [words("table.codes_left", { count: answer.recovery_codes })] : []),
  ];
  return table(words("table.devices"), head, rows, notes);
}

function blocked(answer: BlockedList): Table {
  const rows = answer.users.map((user) => [printable(user)]);
  return table(words("table.blocked"), ["table.name"], rows, none(rows, "table.no_blocked"));
}

function audit(answer: AuditList): Table {
  const rows = answer.records.map((record) => [
    moment(record.at_ms),
    printable(record.actor),
    printable(record.action).replaceAll("_", " "),
    printable(record.subject),
    record.room ? `#${printable(record.room)}` : "",
    printable(record.reason),
  ]);
  const head: Phrase[] = [
    "table.when",
    "table.who",
    "table.did",
    "table.to",
    "table.in",
    "table.why",
  ];
  return table(words("table.audit"), head, rows, none(rows, "table.no_audit"));
}

function entries(title: string, found: readonly Entry[], me: string): Table {
  const rows = found.map((entry) => [
    moment(entry.at_ms),
    printable(entry.author),
    told(entry, me),
  ]);
  const head: Phrase[] = ["table.when", "table.who", "table.said"];
  return table(title, head, rows, none(rows, "table.nothing"));
}

function told(entry: Entry, me: string): string {
  const { body } = entry;
  const isSaid = body.kind === "message_posted" || body.kind === "private_message_sent";
  return isSaid ? safeText(inShort(body.text)) : sentence(entry, me);
}

function none(rows: readonly unknown[], phrase: Phrase): string[] {
  return rows.length ? [] : [words(phrase)];
}

function cut(shown: number, total: number): string[] {
  return total > shown ? [words("table.more", { count: total - shown })] : [];
}
