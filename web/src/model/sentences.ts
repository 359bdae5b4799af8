/** What happened besides what was said, in a sentence. The room is not named: there it is read. */

import type { Entry, EntryBody } from "../protocol/messages.ts";
import { printable } from "../protocol/names.ts";

const ACCOUNT_CHANGES: Readonly<Record<string, string>> = {
  password_changed: "your password was changed",
  password_reset: "an operator has made a code for a new password of yours",
  device_added: "a device can log in without your password now",
  device_revoked: "a device was forgotten",
  app_token_created: "an app token was created",
  logged_out_everywhere: "all your devices were logged out and forgotten",
  totp_enabled: "from now on your password needs a one-time code, too",
  totp_disabled: "your password needs no one-time code any more",
  recovery_code_used: "a recovery code was used in place of a one-time code",
  standing_changed: "your standing in this cluster has changed",
};

type Body<K extends EntryBody["kind"]> = Extract<EntryBody, { readonly kind: K }>;
interface Told {
  readonly by: string;
  /** How the one is called whom it was done to. */
  readonly called: (name: string) => string;
  readonly entry: Entry;
}

const because = (reason: string | undefined): string => (reason ? `: ${printable(reason)}` : "");
const moment = (atMs: number): string =>
  new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(atMs);

const WORDS: { readonly [K in EntryBody["kind"]]?: (body: Body<K>, told: Told) => string } = {
  room_created: (_, { by, entry }) => `${by} created ${place(entry)}`,
  member_joined: (_, { by, entry }) => `${by} joined ${place(entry)}`,
  member_left: (_, { by, entry }) => `${by} left ${place(entry)}`,
  topic_changed: ({ topic }, { by }) =>
    topic ? `${by} set the topic to: ${printable(topic)}` : `${by} removed the topic`,
  room_configured: (body, { by }) => `${by} set the room to: ${settings(body)}`,
  room_closed: ({ reason }, { by }) => `${by} closed the room${because(reason)}`,
  room_opened: ({ room }, { by }) => `${by} opened the room #${printable(room)}`,
  invited_to_room: ({ room }, { by }) => `${by} invited you to #${printable(room)}`,
  announced: ({ text }) => printable(text),
  account_registered: () => "your name is registered: from now on it needs your password",
  account_changed: ({ change, about }) =>
    (ACCOUNT_CHANGES[change] ?? `your account has changed: ${printable(change)}`) +
    because(about ?? ""),
  message_pinned: (_, { by }) => `${by} pinned a message`,
  message_unpinned: (_, { by }) => `${by} unpinned a message`,
  member_added: ({ user }, { by, called }) => `${by} brought in ${called(user)}`,
  member_invited: ({ user }, { by, called }) => `${by} invited ${called(user)}`,
  member_kicked: ({ user, reason }, { by, called }) =>
    `${by} kicked ${called(user)}${because(reason)}`,
  member_banned: ({ user, reason, until_ms: untilMs }, { by, called }) => {
    const until = untilMs == null ? "" : ` until ${moment(untilMs)}`;
    return `${by} banned ${called(user)}${until}${because(reason)}`;
  },
  member_unbanned: ({ user }, { by, called }) => `${by} lifted the ban of ${called(user)}`,
  member_muted: ({ user, reason }, { by, called }) =>
    `${by} muted ${called(user)}${because(reason)}`,
  member_unmuted: ({ user }, { by, called }) => `${by} let ${called(user)} speak again`,
  member_promoted: ({ user }, { by, called }) => `${by} made ${called(user)} a moderator`,
  member_demoted: ({ user }, { by, called }) => `${by} made ${called(user)} a plain member`,
  room_transferred: ({ user }, { by, called, entry }) =>
    entry.author === "zchat"
      ? `the room belongs to ${called(user)} now`
      : `${by} gave the room to ${called(user)}`,
};

export function sentenceOf(entry: Entry, me: string): string {
  const called = (name: string): string => (name === me ? "you" : printable(name));
  const told: Told = { by: called(entry.author), called, entry };
  // The table has a function of just this kind of body; no type can say so of a union.
  const words = WORDS[entry.body.kind] as ((body: EntryBody, told: Told) => string) | undefined;
  if (words) return words(entry.body, told);
  const what = entry.body.kind === "unrecognised" ? entry.body.what : entry.body.kind;
  return `${told.by} did something new: ${printable(what)}, for which this client is too old`;
}

function place(entry: Entry): string {
  return entry.log === "#lobby" ? "the lobby" : printable(entry.log);
}

/** In words what the room is like. */
export function settings(room: {
  readonly private?: boolean;
  readonly keyed?: boolean;
  readonly posting?: string;
  readonly slow_mode_s?: number;
  readonly members_max?: number;
}): string {
  const posting = room.posting ?? "members";
  return [
    room.private ? "private" : "public",
    ...(room.keyed ? ["with a key"] : []),
    `${posting === "members" ? "all members" : printable(posting)} speak`,
    ...(room.slow_mode_s ? [`one message in ${room.slow_mode_s} s`] : []),
    ...(room.members_max ? [`at most ${room.members_max} members`] : []),
  ].join(", ");
}
