/** What the entries of a log say to a person: ported from zchat/client/text/entries.py. */

import type { Entry, EntryBody, RoomConfigured, RoomInfo } from "../protocol/messages.ts";
import { isVisible, printable } from "../protocol/names.ts";
import { moment, words, type Phrase } from "./text.ts";

/** Begins a text that tells what its author does; older clients show it as it is. */
export const ACTION = "/me ";
const LOBBY_LOG = "#lobby";
const SYSTEM = "zchat";

const ACCOUNT_CHANGES: Readonly<Record<string, Phrase>> = {
  password_changed: "account.password_changed",
  password_reset: "account.password_reset",
  device_added: "account.device_added",
  device_revoked: "account.device_revoked",
  app_token_created: "account.app_token_created",
  logged_out_everywhere: "account.logged_out_everywhere",
  totp_enabled: "account.totp_enabled",
  totp_disabled: "account.totp_disabled",
  recovery_code_used: "account.recovery_code_used",
  standing_changed: "account.standing_changed",
};

/** What happened besides what was said. The room is not named: there it is read anyway. */
export function sentence(entry: Entry, me: string): string {
  const { body } = entry;
  const named = (name: string) => (name === me ? words("you") : printable(name));
  const who = named(entry.author);
  const room = entry.log.startsWith("#") && entry.log !== LOBBY_LOG ? printable(entry.log) : "";
  switch (body.kind) {
    case "message_posted":
    case "private_message_sent":
      return words("happened.said", { who, text: printable(inShort(body.text)) });
    case "redacted":
      return words("happened.deleted", { who: named(body.by) });
    case "message_edited":
      return body.text
        ? words("happened.edited", { who, text: printable(inShort(body.text)) })
        : words("happened.edited_since", { who });
    case "message_deleted":
      return words("happened.deleted", { who }) + because(body.reason);
    case "reaction_added":
      return words("happened.reacted", { who, emoji: printable(body.emoji), ...of(body) });
    case "reaction_removed":
      return words("happened.unreacted", { who, emoji: printable(body.emoji), ...of(body) });
    case "message_pinned":
      return words("happened.pinned", { who });
    case "message_unpinned":
      return words("happened.unpinned", { who });
    case "room_created":
      return words("happened.created", { who, room: room || words("lobby") });
    case "member_joined":
      return words("happened.joined", { who, room: room || words("the_lobby") });
    case "member_left":
      return words("happened.left", { who, room: room || words("the_lobby") });
    case "topic_changed":
      return body.topic
        ? words("happened.topic", { who, topic: printable(body.topic) })
        : words("happened.no_topic", { who });
    case "room_configured":
      return words("happened.configured", { who, settings: settings(body) });
    case "room_closed":
      return words("happened.closed", { who }) + because(body.reason);
    case "room_opened": {
      const name = printable(body.room);
      return words(entry.author === me ? "happened.opened_mine" : "happened.opened", { who, name });
    }
    case "invited_to_room":
      return words("happened.invited_you", { who, name: printable(body.room) });
    case "announced":
      return words("happened.announced", { text: printable(body.text) });
    case "account_registered":
      return words("account.registered");
    case "account_changed":
      return accountChange(body.change, body.about);
    case "unrecognised":
      return words("happened.new", { who, what: printable(body.what) });
    default:
      return ofMember(body, who, named(body.user), entry.author);
  }
}

type OfMember = Extract<EntryBody, { kind: `member_${string}` | "room_transferred"; user: string }>;

/** What somebody has done to a member. */
function ofMember(body: OfMember, who: string, user: string, author: string): string {
  const values = { who, user };
  switch (body.kind) {
    case "member_added":
      return words("happened.added", values);
    case "member_invited":
      return words("happened.invited", values);
    case "member_kicked":
      return words("happened.kicked", values) + because(body.reason);
    case "member_banned": {
      const until = body.until_ms;
      const what =
        until == null
          ? words("happened.banned", values)
          : words("happened.banned_until", { ...values, until: moment(until) });
      return what + because(body.reason);
    }
    case "member_unbanned":
      return words("happened.unbanned", values);
    case "member_muted":
      return words("happened.muted", values) + because(body.reason);
    case "member_unmuted":
      return words("happened.unmuted", values);
    case "member_promoted":
      return words("happened.promoted", values);
    case "member_demoted":
      return words("happened.demoted", values);
    case "room_transferred":
      return words(author === SYSTEM ? "happened.inherited" : "happened.transferred", values);
  }
}

function accountChange(change: string, about: string): string {
  const details = about && `: ${printable(about)}`;
  const phrase = Object.hasOwn(ACCOUNT_CHANGES, change) ? ACCOUNT_CHANGES[change] : undefined;
  return phrase
    ? words(phrase, { about: details })
    : words("account.changed", { change: printable(change), about: details });
}

function of(body: { sequence: number }) {
  return { sequence: String(body.sequence) };
}

function because(reason: string | undefined): string {
  return reason ? `: ${printable(reason)}` : "";
}

/** In words what a room is like. */
export function settings(room: RoomConfigured | RoomInfo): string {
  const posting = room.posting ?? "members";
  const speakers = posting === "members" ? words("room.all_members") : printable(posting);
  const parts = [words(room.private ? "room.private" : "room.public")];
  if (room.keyed) parts.push(words("room.keyed"));
  parts.push(words("room.speak", { speakers }));
  if (room.slow_mode_s) parts.push(words("room.slow", { seconds: room.slow_mode_s }));
  if (room.members_max) parts.push(words("room.limit", { count: room.members_max }));
  return parts.join(", ");
}

/** What the author does, if the text says that; otherwise nothing. */
export function actionOf(text: string): string {
  const action = text.startsWith(ACTION) ? text.slice(ACTION.length).trim() : "";
  // With nothing to see it would be the author's name alone, which nobody can say otherwise.
  return isVisible(action) ? action : "";
}

/** Where a message is only referred to: without the marker of an action. */
export function inShort(text: string): string {
  return actionOf(text) || text;
}

export function shortened(text: string, charsMax: number): string {
  const chars = Array.from(text);
  if (chars.length <= charsMax) return text;
  return `${chars
    .slice(0, charsMax - 1)
    .join("")
    .trimEnd()}…`;
}

/** More rooms than these are counted. */
const NAMED_MAX = 3;

/** What a guest who owns these rooms, given by their logs, loses by leaving; empty for none. */
export function roomsLost(owned: readonly string[]): string {
  if (owned.length === 0) return "";
  const named = owned.slice(0, NAMED_MAX).map(printable).join(", ");
  const more = owned.length - NAMED_MAX;
  const rooms = more > 0 ? words("rooms_lost.more", { named, count: more }) : named;
  return words("rooms_lost", { rooms });
}
